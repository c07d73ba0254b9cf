using System.Diagnostics;
using AiPlatform.IntegrationTests.Servers;
using Azure.Messaging.ServiceBus;
using Azure.Messaging.ServiceBus.Administration;

namespace AiPlatform.IntegrationTests.ServiceBus;

/// <summary>What cannot succeed is answered so that the client does not try it again: its pause between tries would show.</summary>
[Collection(ServiceBusCollection.Name)]
public sealed class LastingErrorTests(PostgresFixture postgres) : BrokerTests(postgres)
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(20);

    private static readonly Dictionary<string, Func<ServiceBusClient, Task>> Attempts = new()
    {
        ["send to nothing"] = static client => client.CreateSender("nothing").SendMessageAsync(new ServiceBusMessage("x")),
        ["receive from nothing"] = static client => client.CreateReceiver("nothing").ReceiveMessageAsync(Soon),
        ["peek at nothing"] = static client => client.CreateReceiver("nothing").PeekMessageAsync(),
        ["receive from a topic"] = static client => client.CreateReceiver("topic").ReceiveMessageAsync(Soon),
        ["send to a subscription"] = static client => client.CreateSender("topic/Subscriptions/all").SendMessageAsync(new ServiceBusMessage("x")),
        ["send without a session"] = static client => client.CreateSender(BrokerInstance.SessionQueue).SendMessageAsync(new ServiceBusMessage("x")),
        ["send a session id that cannot be"] = static client => client.CreateSender(BrokerInstance.SessionQueue).SendMessageAsync(new ServiceBusMessage("x") { SessionId = "a\0b" }),
        ["schedule without a session"] = static client => client.CreateSender(BrokerInstance.SessionQueue).ScheduleMessageAsync(new ServiceBusMessage("x"), DateTimeOffset.UtcNow.AddHours(1)),
        ["receive without a session"] = static client => client.CreateReceiver(BrokerInstance.SessionQueue).ReceiveMessageAsync(Soon),
        ["accept a session where there are none"] = static client => client.AcceptSessionAsync(BrokerInstance.Queue, "s"),
        ["send too much"] = static client => client.CreateSender(BrokerInstance.Queue).SendMessageAsync(new ServiceBusMessage(new byte[2_000_000])),
        ["schedule too much"] = static client => client.CreateSender(BrokerInstance.Queue).ScheduleMessageAsync(new ServiceBusMessage(new byte[1_100_000]), DateTimeOffset.UtcNow.AddHours(1)),
        ["take back what is not scheduled"] = static client => client.CreateSender(BrokerInstance.Queue).CancelScheduledMessageAsync(987_654_321),
        ["receive what is not deferred"] = static client => client.CreateReceiver(BrokerInstance.Queue).ReceiveDeferredMessageAsync(987_654_321),
        ["a rule that is none"] = static client => client.CreateRuleManager("topic", "all").CreateRuleAsync("bad", new SqlRuleFilter("n >")),
        ["a rule that exists"] = static client => client.CreateRuleManager("topic", "all").CreateRuleAsync("$Default", new TrueRuleFilter()),
        ["delete no rule"] = static client => client.CreateRuleManager("topic", "all").DeleteRuleAsync("none"),
        ["rules of nothing"] = static async client =>
        {
            await foreach (var rule in client.CreateRuleManager("topic", "none").GetRulesAsync())
            {
                Assert.Fail(rule.Name);
            }
        },
    };

    public static TheoryData<string> Names => [.. Attempts.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task It_is_refused_once(string attempt)
    {
        var administration = new ServiceBusAdministrationClient(Broker.AdministrationConnectionString);
        await administration.CreateTopicAsync("topic");
        await administration.CreateSubscriptionAsync("topic", "all");
        await using var client = new ServiceBusClient(
            Broker.ConnectionString,
            new ServiceBusClientOptions { RetryOptions = { MaxRetries = 3, Delay = Pause, MaxDelay = Pause, Mode = ServiceBusRetryMode.Fixed } });
        var clock = Stopwatch.StartNew();
        var exception = await Assert.ThrowsAnyAsync<Exception>(() => Attempts[attempt](client).WaitAsync(Pause));
        Assert.True(clock.Elapsed < Pause / 2, $"{clock.Elapsed}: {exception.Message}");
        Assert.IsNotType<TimeoutException>(exception);
        Assert.False((exception as ServiceBusException)?.IsTransient ?? false, exception.ToString());
    }
}
