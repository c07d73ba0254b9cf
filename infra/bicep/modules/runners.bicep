param name string
param location string
param tags object
param identityId string
param identityClientId string
param subnetId string
param vmSize string
param count int
param sshPublicKey string
param sshUserName string = 'runner'
param image string
param apiUrl string
param serviceBusHost string

@secure()
param runnerSecret string

var cloudInit = format('''
#cloud-config
package_update: true
packages: [docker.io]
write_files:
  - path: /etc/aiplatform-runner.env
    permissions: '0600'
    content: |
      AZURE_CLIENT_ID={0}
      Runner__ApiUrl={1}
      Runner__ClientSecret={2}
      Runner__DataDirectory=/data
      ConnectionStrings__ServiceBus=Endpoint=sb://{3}
runcmd:
  - mkdir -p /var/lib/aiplatform-runner
  - docker run -d --name runner --restart always --network host --gpus all --env-file /etc/aiplatform-runner.env -v /var/lib/aiplatform-runner:/data {4}
''', identityClientId, apiUrl, runnerSecret, serviceBusHost, image)

resource runners 'Microsoft.Compute/virtualMachineScaleSets@2024-07-01' = {
  name: name
  location: location
  tags: tags
  sku: { name: vmSize, capacity: count }
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identityId}': {} }
  }
  properties: {
    orchestrationMode: 'Uniform'
    // A runner ends its jobs before it is replaced: it is upgraded by hand after a drain.
    upgradePolicy: { mode: 'Manual' }
    virtualMachineProfile: {
      storageProfile: {
        imageReference: { publisher: 'microsoft-dsvm', offer: 'ubuntu-hpc', sku: '2204', version: 'latest' }
        osDisk: { createOption: 'FromImage', managedDisk: { storageAccountType: 'Premium_LRS' }, diskSizeGB: 256 }
      }
      osProfile: {
        computerNamePrefix: 'runner'
        adminUsername: sshUserName
        customData: base64(cloudInit)
        linuxConfiguration: {
          disablePasswordAuthentication: true
          ssh: { publicKeys: [{ path: '/home/${sshUserName}/.ssh/authorized_keys', keyData: sshPublicKey }] }
        }
      }
      networkProfile: {
        networkInterfaceConfigurations: [
          {
            name: 'runner'
            properties: {
              primary: true
              enableAcceleratedNetworking: true
              ipConfigurations: [{ name: 'runner', properties: { subnet: { id: subnetId } } }]
            }
          }
        ]
      }
    }
  }
}

output id string = runners.id
