param name string
param location string
param tags object
param principalId string

// Azure Service Bus Data Owner.
var dataOwner = '090c5cfd-751d-490a-894a-3ce6f1109419'
var priorities = ['critical', 'high', 'normal', 'low']
var queueNames = flatten([
  ['job-events']
  map(priorities, priority => 'jobs-default-${priority}')
  map(priorities, priority => 'tasks-default-${priority}')
  map(priorities, priority => 'runner-tasks-default-${priority}')
])

resource namespace 'Microsoft.ServiceBus/namespaces@2024-01-01' = {
  name: name
  location: location
  tags: tags
  sku: { name: 'Standard', tier: 'Standard' }
  properties: { minimumTlsVersion: '1.2', disableLocalAuth: true }
}

resource queues 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' = [
  for queue in queueNames: {
    parent: namespace
    name: queue
    properties: {
      lockDuration: 'PT1M'
      maxDeliveryCount: 100
      deadLetteringOnMessageExpiration: true
    }
  }
]

resource access 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: namespace
  name: guid(namespace.id, principalId, dataOwner)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', dataOwner)
  }
}

output host string = '${namespace.name}.servicebus.windows.net'
