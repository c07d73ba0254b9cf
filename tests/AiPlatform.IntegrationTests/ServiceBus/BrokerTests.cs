using AiPlatform.IntegrationTests.Servers;
using Azure.Messaging.ServiceBus;
using Azure.Messaging.ServiceBus.Administration;

namespace AiPlatform.IntegrationTests.ServiceBus;

/// <summary>One broker and one client per test, on an empty database.</summary>
public abstract class BrokerTests(PostgresFixture postgres) : IAsyncLifetime
{
    protected static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);
    protected static readonly TimeSpan PatientLock = TimeSpan.FromSeconds(5);
    protected static readonly TimeSpan AMoment = TimeSpan.FromMilliseconds(300);

    protected string Database { get; private set; } = string.Empty;

    protected BrokerInstance Broker { get; set; } = null!;

    protected ServiceBusClient Client { get; private set; } = null!;

    protected PostgresFixture Postgres => postgres;

    public async Task InitializeAsync()
    {
        Database = await postgres.CreateDatabaseAsync("servicebus");
        Broker = await BrokerInstance.StartAsync(Database);
        Client = Broker.CreateClient();
    }

    public async Task DisposeAsync()
    {
        await Client.DisposeAsync();
        await Broker.DisposeAsync();
    }

    /// <summary>A queue whose locks outlive a pause of the machine of nearly <see cref="PatientLock"/>, for tests of renewal.</summary>
    protected async Task<string> CreatePatientQueueAsync(bool requiresSession = false)
    {
        var administration = new ServiceBusAdministrationClient(Broker.AdministrationConnectionString);
        return (await administration.CreateQueueAsync(new CreateQueueOptions("patient") { LockDuration = PatientLock, RequiresSession = requiresSession })).Value.Name;
    }

    protected static async Task<ServiceBusReceivedMessage> ReceiveAsync(ServiceBusReceiver receiver)
    {
        var message = await receiver.ReceiveMessageAsync(Soon);
        Assert.NotNull(message);
        return message;
    }

    protected static async Task AssertReasonAsync(ServiceBusFailureReason reason, Func<Task> action)
        => Assert.Equal(reason, (await Assert.ThrowsAsync<ServiceBusException>(action)).Reason);
}
