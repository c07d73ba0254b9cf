param name string
param location string
param tags object
param principalId string

resource redis 'Microsoft.Cache/redisEnterprise@2025-04-01' = {
  name: name
  location: location
  tags: tags
  sku: { name: 'Balanced_B0' }
  properties: { minimumTlsVersion: '1.2' }
}

resource database 'Microsoft.Cache/redisEnterprise/databases@2025-04-01' = {
  parent: redis
  name: 'default'
  properties: {
    clientProtocol: 'Encrypted'
    port: 10000
    clusteringPolicy: 'EnterpriseCluster'
    evictionPolicy: 'AllKeysLRU'
    accessKeysAuthentication: 'Disabled'
  }
}

resource access 'Microsoft.Cache/redisEnterprise/databases/accessPolicyAssignments@2025-04-01' = {
  parent: database
  name: guid(database.id, principalId)
  properties: {
    accessPolicyName: 'default'
    user: { objectId: principalId }
  }
}

// Without a password in it, the platform shows its identity.
output connectionString string = '${redis.properties.hostName}:${database.properties.port},user=${principalId},ssl=True,abortConnect=False'
