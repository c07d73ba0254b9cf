param name string
param location string
param tags object

@description('The identity that owns the database: its name is the role that it logs in as.')
param identityName string
param principalId string

resource server 'Microsoft.DBforPostgreSQL/flexibleServers@2024-08-01' = {
  name: name
  location: location
  tags: tags
  sku: { name: 'Standard_D2ds_v5', tier: 'GeneralPurpose' }
  properties: {
    version: '16'
    authConfig: { activeDirectoryAuth: 'Enabled', passwordAuth: 'Disabled', tenantId: subscription().tenantId }
    storage: { storageSizeGB: 64, autoGrow: 'Enabled' }
    backup: { backupRetentionDays: 14, geoRedundantBackup: 'Disabled' }
    highAvailability: { mode: 'Disabled' }
  }
}

resource owner 'Microsoft.DBforPostgreSQL/flexibleServers/administrators@2024-08-01' = {
  parent: server
  name: principalId
  properties: { principalName: identityName, principalType: 'ServicePrincipal', tenantId: subscription().tenantId }
}

// The server takes one change at a time.
resource database 'Microsoft.DBforPostgreSQL/flexibleServers/databases@2024-08-01' = {
  parent: server
  name: 'aiplatform'
  properties: { charset: 'UTF8', collation: 'en_US.utf8' }
  dependsOn: [owner]
}

// Services of Azure may connect; a token of the identity and TLS decide who gets in.
resource azureServices 'Microsoft.DBforPostgreSQL/flexibleServers/firewallRules@2024-08-01' = {
  parent: server
  name: 'azure-services'
  properties: { startIpAddress: '0.0.0.0', endIpAddress: '0.0.0.0' }
  dependsOn: [database]
}

// Without a password in it, the platform shows its identity.
output connectionString string = 'Host=${server.properties.fullyQualifiedDomainName};Database=${database.name};Username=${identityName};SSL Mode=VerifyFull'
