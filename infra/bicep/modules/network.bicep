param name string
param location string
param tags object

resource network 'Microsoft.Network/virtualNetworks@2024-05-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: ['10.20.0.0/16'] }
    subnets: [
      {
        name: 'functions'
        properties: {
          addressPrefix: '10.20.1.0/24'
          delegations: [{ name: 'flex', properties: { serviceName: 'Microsoft.App/environments' } }]
        }
      }
      // The ranks of a gang talk to each other here.
      { name: 'runners', properties: { addressPrefix: '10.20.2.0/23' } }
    ]
  }
}

output functionsSubnetId string = network.properties.subnets[0].id
output runnersSubnetId string = network.properties.subnets[1].id
