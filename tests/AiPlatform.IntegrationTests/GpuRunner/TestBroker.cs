using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Hosting;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.ServiceBusEmulator;
using Azure.Messaging.ServiceBus;
using Microsoft.AspNetCore.Builder;

namespace AiPlatform.IntegrationTests.GpuRunner;

/// <summary>A broker with the queues of the default pool.</summary>
internal sealed class TestBroker : IAsyncDisposable
{
    /// <summary>Of each queue.</summary>
    public const int MaxDeliveryCount = 5;

    private readonly WebApplication _app;

    private TestBroker(WebApplication app, string connectionString)
    {
        (_app, ConnectionString) = (app, connectionString);
        Client = new ServiceBusClient(connectionString);
    }

    public string ConnectionString { get; }

    public ServiceBusClient Client { get; }

    public static async Task<TestBroker> StartAsync(string postgres, double lockSeconds = 60)
    {
        var amqp = TcpPorts.Free();
        string[] queues = [JobQueues.Events, .. Enum.GetValues<JobPriority>().Select(priority => JobQueues.For("default", priority))];
        var app = ServiceBusEmulatorApp.Build(
        [
            $"--ConnectionStrings:Postgres={postgres}", $"--ServiceBus:AmqpPort={amqp}", "--ServiceBus:SharedAccessKeyName=test",
            "--ServiceBus:SharedAccessKey=dGVzdC1rZXk=", "--urls=http://127.0.0.1:0", "--Logging:LogLevel:Default=Warning",
            .. queues.SelectMany((queue, i) => (string[])
                [$"--ServiceBus:Queues:{i}:Name={queue}", $"--ServiceBus:Queues:{i}:LockDurationSeconds={lockSeconds}", $"--ServiceBus:Queues:{i}:MaxDeliveryCount={MaxDeliveryCount}"]),
        ]);
        await app.StartReadyAsync();
        return new TestBroker(
            app, $"Endpoint=sb://127.0.0.1:{amqp};SharedAccessKeyName=test;SharedAccessKey=dGVzdC1rZXk=;UseDevelopmentEmulator=true");
    }

    public async Task OfferAsync(NodeMessage message, JobPriority priority = JobPriority.Normal)
    {
        await using var sender = Client.CreateSender(JobQueues.For("default", priority));
        var body = JsonSerializer.SerializeToUtf8Bytes(message, ContractsJson.Strict);
        await sender.SendMessageAsync(new ServiceBusMessage(BinaryData.FromBytes(body)) { MessageId = message.MessageId });
    }

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync();
        await _app.DisposeAsync();
    }
}
