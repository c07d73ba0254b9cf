using AiPlatform.Fuzz.Fuzzing;
using AiPlatform.Fuzz.Protocols;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.IntegrationTests.ServiceBus;

namespace AiPlatform.IntegrationTests.Fuzz;

/// <summary>A short run of the fuzzer of the broker.</summary>
[Collection(ServiceBusCollection.Name)]
public sealed class AmqpFuzzTests(PostgresFixture postgres)
{
    private const int Conversations = 160;

    [Fact]
    public async Task The_broker_serves_on_whatever_others_say_to_it()
    {
        await using var broker = await BrokerInstance.StartAsync(await postgres.CreateDatabaseAsync("fuzzed_broker"));
        var report = new FuzzReport();
        await new AmqpFuzzer(report, new AmqpTarget(broker.ConnectionString), BrokerInstance.Queue, BrokerInstance.SessionQueue).RunAsync(3, FuzzBudget.Of(Conversations));
        Assert.True(report.Findings.Count == 0, report.Explain());
        Assert.Equal(Conversations, report.Tried);
        Assert.False(broker.Stopping.IsCancellationRequested);
    }
}
