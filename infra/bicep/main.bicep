// The platform on Azure: the same processes as infra/up starts, on managed services.
//   az deployment group create -g GROUP -f infra/bicep/main.bicep -p signingKey=… orchestrationsImage=… runnerImage=… runnerSshPublicKey=…
targetScope = 'resourceGroup'

@description('Prefix of every name: 3 to 11 lower-case letters and digits.')
@minLength(3)
@maxLength(11)
param name string = 'aiplatform'

param location string = resourceGroup().location

@description('Base64 of at least 32 random bytes: signs the access tokens.')
@secure()
param signingKey string

@secure()
param orchestrationsSecret string

@secure()
param runnerSecret string

@description('Password of the first administrator account of the platform.')
@secure()
param administratorPassword string

@description('The image of the orchestrations process, from orchestrations/image.')
param orchestrationsImage string

@description('Size of the runner machines; an NC or ND size for GPUs.')
param runnerVmSize string = 'Standard_NC4as_T4_v3'

@description('How many runner machines there are.')
@minValue(0)
param runnerCount int = 2

param runnerSshPublicKey string

@description('The image that the runners start, from gpu-runner/image.')
param runnerImage string

var suffix = uniqueString(resourceGroup().id)
var tags = { product: 'aiplatform' }

module network 'modules/network.bicep' = {
  name: 'network'
  params: { name: name, location: location, tags: tags }
}

module identity 'modules/identity.bicep' = {
  name: 'identity'
  params: { name: name, location: location, tags: tags }
}

module storage 'modules/storage.bicep' = {
  name: 'storage'
  params: { name: '${name}${suffix}', location: location, tags: tags, principalId: identity.outputs.principalId }
}

module serviceBus 'modules/servicebus.bicep' = {
  name: 'servicebus'
  params: { name: '${name}-${suffix}', location: location, tags: tags, principalId: identity.outputs.principalId }
}

module taskHub 'modules/taskhub.bicep' = {
  name: 'taskhub'
  params: { name: '${name}-${suffix}', location: location, tags: tags, principalId: identity.outputs.principalId }
}

module postgres 'modules/postgres.bicep' = {
  name: 'postgres'
  params: {
    name: '${name}-${suffix}'
    location: location
    tags: tags
    identityName: identity.outputs.name
    principalId: identity.outputs.principalId
  }
}

module redis 'modules/redis.bicep' = {
  name: 'redis'
  params: { name: '${name}-${suffix}', location: location, tags: tags, principalId: identity.outputs.principalId }
}

module vault 'modules/keyvault.bicep' = {
  name: 'keyvault'
  params: {
    name: take('${name}-${suffix}', 24)
    location: location
    tags: tags
    principalId: identity.outputs.principalId
    signingKey: signingKey
    orchestrationsSecret: orchestrationsSecret
    runnerSecret: runnerSecret
    administratorPassword: administratorPassword
  }
}

module functions 'modules/functions.bicep' = {
  name: 'functions'
  params: {
    name: '${name}-${suffix}'
    location: location
    tags: tags
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    subnetId: network.outputs.functionsSubnetId
    storageName: storage.outputs.name
    deploymentContainer: storage.outputs.deploymentContainer
    vaultUri: vault.outputs.uri
    postgres: postgres.outputs.connectionString
    redis: redis.outputs.connectionString
    serviceBusHost: serviceBus.outputs.host
    taskHubEndpoint: taskHub.outputs.endpoint
    taskHubName: taskHub.outputs.hub
  }
}

module orchestrations 'modules/orchestrations.bicep' = {
  name: 'orchestrations'
  params: {
    name: '${name}-orchestrations'
    location: location
    tags: tags
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    image: orchestrationsImage
    apiUrl: functions.outputs.url
    vaultUri: vault.outputs.uri
    serviceBusHost: serviceBus.outputs.host
    taskHubEndpoint: taskHub.outputs.endpoint
    taskHubName: taskHub.outputs.hub
  }
}

module runners 'modules/runners.bicep' = {
  name: 'runners'
  params: {
    name: '${name}-runners'
    location: location
    tags: tags
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    subnetId: network.outputs.runnersSubnetId
    vmSize: runnerVmSize
    count: runnerCount
    sshPublicKey: runnerSshPublicKey
    image: runnerImage
    apiUrl: functions.outputs.url
    serviceBusHost: serviceBus.outputs.host
    runnerSecret: runnerSecret
  }
}

output apiUrl string = functions.outputs.url
output functionsName string = functions.outputs.name
