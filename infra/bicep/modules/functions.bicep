param name string
param location string
param tags object
param identityId string
param identityClientId string
param subnetId string
param storageName string
param deploymentContainer string
param vaultUri string
param postgres string
param redis string
param serviceBusHost string
param taskHubEndpoint string
param taskHubName string

func secret(vaultUri string, name string) string => '@Microsoft.KeyVault(SecretUri=${vaultUri}secrets/${name})'

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  name: name
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: { reserved: true }
}

resource app 'Microsoft.Web/sites@2024-04-01' = {
  name: name
  location: location
  tags: tags
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identityId}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identityId
    virtualNetworkSubnetId: subnetId
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: deploymentContainer
          authentication: { type: 'UserAssignedIdentity', userAssignedIdentityResourceId: identityId }
        }
      }
      runtime: { name: 'dotnet-isolated', version: '10.0' }
      scaleAndConcurrency: {
        instanceMemoryMB: 2048
        maximumInstanceCount: 40
        // One instance is always warm for the HTTP API.
        alwaysReady: [{ name: 'http', instanceCount: 1 }]
      }
    }
    siteConfig: {
      minTlsVersion: '1.2'
      appSettings: [
        { name: 'AZURE_CLIENT_ID', value: identityClientId }
        { name: 'AzureWebJobsStorage__accountName', value: storageName }
        { name: 'AzureWebJobsStorage__credential', value: 'managedidentity' }
        { name: 'AzureWebJobsStorage__clientId', value: identityClientId }
        { name: 'ServiceBus__fullyQualifiedNamespace', value: serviceBusHost }
        { name: 'ServiceBus__credential', value: 'managedidentity' }
        { name: 'ServiceBus__clientId', value: identityClientId }
        { name: 'ConnectionStrings__Postgres', value: postgres }
        { name: 'ConnectionStrings__Redis', value: redis }
        { name: 'ConnectionStrings__Blob', value: 'https://${storageName}.blob.${environment().suffixes.storage}' }
        { name: 'ConnectionStrings__TaskHub', value: 'Endpoint=${taskHubEndpoint};TaskHub=${taskHubName};Authentication=ManagedIdentity;ClientID=${identityClientId}' }
        { name: 'Http__AllowedHosts__0', value: '${name}.azurewebsites.net' }
        { name: 'Identity__SigningKey', value: secret(vaultUri, 'signing-key') }
        { name: 'Identity__ServiceSecrets__orchestrations', value: secret(vaultUri, 'orchestrations-secret') }
        { name: 'Identity__ServiceSecrets__runner', value: secret(vaultUri, 'runner-secret') }
        { name: 'Identity__Administrator__UserName', value: 'admin' }
        { name: 'Identity__Administrator__Password', value: secret(vaultUri, 'administrator-password') }
      ]
    }
  }
}

output name string = app.name
output url string = 'https://${app.properties.defaultHostName}'
