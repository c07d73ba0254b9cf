using System.Net;
using AiPlatform.IntegrationTests.Servers;
using Azure.Messaging.ServiceBus;
using Azure.Messaging.ServiceBus.Administration;

namespace AiPlatform.IntegrationTests.ServiceBus;

/// <summary>Keys that are good for one entity, and for some things there.</summary>
[Collection(ServiceBusCollection.Name)]
public sealed class AuthorizationRuleTests(PostgresFixture postgres) : BrokerTests(postgres)
{
    // As long as the client wants them.
    private const string First = "Zmlyc3Qta2V5LW9mLXRoZS1yZWFkZXItMzItYnl0ZXM=";
    private const string Second = "c2Vjb25kLWtleS1vZi10aGUtcmVhZGVyMzItYnl0ZXM=";

    private ServiceBusAdministrationClient Administration => new(Broker.AdministrationConnectionString);

    [Fact]
    public async Task A_key_allows_what_its_rule_says_on_its_entity_and_nothing_else()
    {
        var queue = new CreateQueueOptions("guarded");
        queue.AuthorizationRules.Add(new SharedAccessAuthorizationRule("sender", [AccessRights.Send]));
        queue.AuthorizationRules.Add(new SharedAccessAuthorizationRule("listener", [AccessRights.Listen]));
        var created = (await Administration.CreateQueueAsync(queue)).Value;
        var rules = created.AuthorizationRules.Cast<SharedAccessAuthorizationRule>().ToDictionary(static rule => rule.KeyName);
        Assert.Equal([AccessRights.Send], rules["sender"].Rights);

        await using var sending = ClientOf("guarded", rules["sender"], rules["sender"].PrimaryKey);
        await using var sendingToo = ClientOf("guarded", rules["sender"], rules["sender"].SecondaryKey);
        await using var listening = ClientOf("guarded", rules["listener"], rules["listener"].PrimaryKey);
        await sending.CreateSender("guarded").SendMessageAsync(new ServiceBusMessage("1"));
        await sendingToo.CreateSender("guarded").SendMessageAsync(new ServiceBusMessage("2"));
        await sending.CreateSender("guarded").ScheduleMessageAsync(new ServiceBusMessage("3"), DateTimeOffset.UtcNow.AddHours(1));
        await Assert.ThrowsAsync<UnauthorizedAccessException>(() => sending.CreateReceiver("guarded").ReceiveMessageAsync(Soon));
        await Assert.ThrowsAsync<UnauthorizedAccessException>(() => sending.CreateReceiver("guarded").PeekMessageAsync());
        var elsewhere = TestSignature.Create($"sb://127.0.0.1/{BrokerInstance.Queue}", "sender", rules["sender"].PrimaryKey, DateTimeOffset.UtcNow.AddMinutes(5));
        Assert.Equal(401, await RawAmqp.PutTokenAsync(Broker.Port, "servicebus.windows.net:sastoken", elsewhere, $"sb://127.0.0.1/{BrokerInstance.Queue}"));
        await Assert.ThrowsAsync<UnauthorizedAccessException>(() => listening.CreateSender("guarded").SendMessageAsync(new ServiceBusMessage("x")));
        await using var receiver = listening.CreateReceiver("guarded");
        foreach (var body in (string[])["1", "2"])
        {
            var message = await ReceiveAsync(receiver);
            Assert.Equal(body, message.Body.ToString());
            await receiver.CompleteMessageAsync(message);
        }
    }

    [Fact]
    public async Task Rules_survive_the_broker_are_changed_and_end()
    {
        var topic = new CreateTopicOptions("watched");
        topic.AuthorizationRules.Add(new SharedAccessAuthorizationRule("reader", First, Second, [AccessRights.Listen]));
        await Administration.CreateTopicAsync(topic);
        await Administration.CreateSubscriptionAsync("watched", "all");
        await Client.CreateSender("watched").SendMessageAsync(new ServiceBusMessage("x"));
        var port = Broker.Port;
        await Broker.DisposeAsync();
        Broker = await BrokerInstance.StartAsync(Database, port);

        var stored = (await Administration.GetTopicAsync("watched")).Value;
        var rule = Assert.IsType<SharedAccessAuthorizationRule>(Assert.Single(stored.AuthorizationRules));
        Assert.Equal(("reader", First, Second), (rule.KeyName, rule.PrimaryKey, rule.SecondaryKey));
        await using (var client = ClientOf("watched", rule, rule.PrimaryKey))
        {
            // A topic's rule is good for its subscriptions.
            Assert.Equal("x", (await ReceiveAsync(client.CreateReceiver("watched", "all"))).Body.ToString());
        }

        stored.AuthorizationRules.Clear();
        await Administration.UpdateTopicAsync(stored);
        Assert.Empty((await Administration.GetTopicAsync("watched")).Value.AuthorizationRules);
        await using var late = ClientOf("watched", rule, rule.PrimaryKey);
        await Assert.ThrowsAsync<UnauthorizedAccessException>(() => late.CreateReceiver("watched", "all").ReceiveMessageAsync(Soon));
    }

    [Fact]
    public async Task Only_a_rule_with_manage_administers_its_own_entity()
    {
        var queue = new CreateQueueOptions("managed");
        queue.AuthorizationRules.Add(new SharedAccessAuthorizationRule("manager", [AccessRights.Manage, AccessRights.Send, AccessRights.Listen]));
        queue.AuthorizationRules.Add(new SharedAccessAuthorizationRule("sender", [AccessRights.Send]));
        var rules = (await Administration.CreateQueueAsync(queue)).Value.AuthorizationRules.Cast<SharedAccessAuthorizationRule>().ToDictionary(static rule => rule.KeyName);
        Assert.Equal(HttpStatusCode.OK, await GetAsync("managed", rules["manager"]));
        Assert.Equal(HttpStatusCode.Unauthorized, await GetAsync(BrokerInstance.Queue, rules["manager"]));
        Assert.Equal(HttpStatusCode.Unauthorized, await GetAsync("managed", rules["sender"]));
    }

    [Fact]
    public async Task Rules_that_make_no_sense_are_refused()
    {
        SharedAccessAuthorizationRule[][] cases =
        [
            [new SharedAccessAuthorizationRule("twice", [AccessRights.Send]), new SharedAccessAuthorizationRule("twice", [AccessRights.Listen])],
            [.. Enumerable.Range(0, 13).Select(static i => new SharedAccessAuthorizationRule($"rule-{i}", [AccessRights.Send]))],
        ];
        foreach (var rules in cases)
        {
            var queue = new CreateQueueOptions("senseless");
            Array.ForEach(rules, queue.AuthorizationRules.Add);
            await Assert.ThrowsAnyAsync<Exception>(() => Administration.CreateQueueAsync(queue));
            Assert.False((await Administration.QueueExistsAsync("senseless")).Value);
        }
    }

    private async Task<HttpStatusCode> GetAsync(string entity, SharedAccessAuthorizationRule rule)
    {
        using var http = new HttpClient { BaseAddress = Broker.HttpAddress };
        using var request = new HttpRequestMessage(HttpMethod.Get, entity);
        request.Headers.TryAddWithoutValidation(
            "Authorization", TestSignature.Create(new Uri(Broker.HttpAddress, entity).ToString(), rule.KeyName, rule.PrimaryKey, DateTimeOffset.UtcNow.AddMinutes(5)));
        return (await http.SendAsync(request)).StatusCode;
    }

    private ServiceBusClient ClientOf(string entity, SharedAccessAuthorizationRule rule, string key) => new(
        $"Endpoint=sb://127.0.0.1:{Broker.Port};SharedAccessKeyName={rule.KeyName};SharedAccessKey={key};EntityPath={entity};UseDevelopmentEmulator=true",
        new ServiceBusClientOptions { RetryOptions = { MaxRetries = 0 } });
}
