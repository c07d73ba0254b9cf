param name string
param location string
param tags object
param identityId string
param identityClientId string
param image string
param apiUrl string
param vaultUri string
param serviceBusHost string
param taskHubEndpoint string
param taskHubName string

var port = 8080

resource logs 'Microsoft.OperationalInsights/workspaces@2023-09-01' = {
  name: name
  location: location
  tags: tags
  properties: { sku: { name: 'PerGB2018' }, retentionInDays: 30 }
}

resource environment 'Microsoft.App/managedEnvironments@2025-01-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    appLogsConfiguration: { destination: 'azure-monitor' }
  }
}

resource logsOfEnvironment 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: environment
  name: 'logs'
  properties: { workspaceId: logs.id, logs: [{ categoryGroup: 'allLogs', enabled: true }] }
}

// Orchestrations, activities and the consumer of job events. It is called by nobody: it has no ingress.
resource app 'Microsoft.App/containerApps@2025-01-01' = {
  name: name
  location: location
  tags: tags
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identityId}': {} }
  }
  properties: {
    environmentId: environment.id
    configuration: {
      activeRevisionsMode: 'Single'
      secrets: [{ name: 'client-secret', keyVaultUrl: '${vaultUri}secrets/orchestrations-secret', identity: identityId }]
    }
    template: {
      // Work in hand is given back before a replica goes.
      terminationGracePeriodSeconds: 60
      containers: [
        {
          name: 'orchestrations'
          image: image
          resources: { cpu: json('1.0'), memory: '2Gi' }
          env: [
            { name: 'ASPNETCORE_URLS', value: 'http://+:${port}' }
            { name: 'AZURE_CLIENT_ID', value: identityClientId }
            { name: 'Orchestrations__ApiUrl', value: apiUrl }
            { name: 'Orchestrations__ClientSecret', secretRef: 'client-secret' }
            { name: 'ConnectionStrings__ServiceBus', value: 'Endpoint=sb://${serviceBusHost}' }
            { name: 'ConnectionStrings__TaskHub', value: 'Endpoint=${taskHubEndpoint};TaskHub=${taskHubName};Authentication=ManagedIdentity;ClientID=${identityClientId}' }
          ]
          probes: [
            { type: 'Liveness', httpGet: { path: '/health', port: port } }
            { type: 'Readiness', httpGet: { path: '/health/ready', port: port } }
          ]
        }
      ]
      scale: {
        // Job events must be consumed while no orchestration has work.
        minReplicas: 1
        maxReplicas: 10
        rules: [
          {
            name: 'activities'
            custom: {
              type: 'azure-durabletask-scheduler'
              metadata: { endpoint: taskHubEndpoint, taskhubName: taskHubName, workItemType: 'Activity', maxConcurrentWorkItemsCount: '32' }
              identity: identityId
            }
          }
        ]
      }
    }
  }
}

output name string = app.name
