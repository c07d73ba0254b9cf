using System.Net;
using System.Net.Http.Headers;
using System.Text;
using AiPlatform.IntegrationTests.Servers;
using Azure.Messaging.ServiceBus;
using Azure.Messaging.ServiceBus.Administration;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace AiPlatform.IntegrationTests.ServiceBus;

[Collection(ServiceBusCollection.Name)]
public sealed class AdministrationTests(PostgresFixture postgres) : BrokerTests(postgres)
{
    [Fact]
    public async Task Queues_are_managed_and_survive_the_broker()
    {
        var admin = new ServiceBusAdministrationClient(Broker.AdministrationConnectionString);
        var created = (await admin.CreateQueueAsync(new CreateQueueOptions("made") { LockDuration = TimeSpan.FromSeconds(30), MaxDeliveryCount = 7, UserMetadata = "<&>" })).Value;
        Assert.Equal((TimeSpan.FromSeconds(30), 7, "<&>"), (created.LockDuration, created.MaxDeliveryCount, created.UserMetadata));
        var again = await Assert.ThrowsAsync<ServiceBusException>(() => admin.CreateQueueAsync("made"));
        Assert.Equal(ServiceBusFailureReason.MessagingEntityAlreadyExists, again.Reason);
        created.MaxDeliveryCount = 2;
        await admin.UpdateQueueAsync(created);
        await Client.CreateSender("made").SendMessageAsync(new ServiceBusMessage("x"));
        Assert.Equal(1, (await admin.GetQueueRuntimePropertiesAsync("made")).Value.ActiveMessageCount);

        await RestartAsync();
        var later = new ServiceBusAdministrationClient(Broker.AdministrationConnectionString);
        Assert.Equal(2, (await later.GetQueueAsync("made")).Value.MaxDeliveryCount);
        await using var receiver = Client.CreateReceiver("made");
        await receiver.CompleteMessageAsync(await ReceiveAsync(receiver));
        var names = new List<string>();
        await foreach (var queue in later.GetQueuesAsync())
        {
            names.Add(queue.Name);
        }

        Assert.Contains("made", names);
        await later.DeleteQueueAsync("made");
        Assert.False((await later.QueueExistsAsync("made")).Value);
        var missing = await Assert.ThrowsAsync<ServiceBusException>(() => later.GetQueueAsync("made"));
        Assert.Equal(ServiceBusFailureReason.MessagingEntityNotFound, missing.Reason);
        await Assert.ThrowsAnyAsync<ArgumentException>(() => later.CreateQueueAsync(new CreateQueueOptions("bad") { LockDuration = TimeSpan.FromHours(1) }));
    }

    [Fact]
    public async Task A_topics_rules_route_its_messages()
    {
        var admin = new ServiceBusAdministrationClient(Broker.AdministrationConnectionString);
        await admin.CreateTopicAsync("news");
        await admin.CreateSubscriptionAsync(new CreateSubscriptionOptions("news", "big"), new CreateRuleOptions("big", new SqlRuleFilter("n > @limit") { Parameters = { ["@limit"] = 1 } }));
        await admin.CreateSubscriptionAsync("news", "all");
        await admin.CreateRuleAsync(
            "news", "big", new CreateRuleOptions("urgent", new CorrelationRuleFilter { Subject = "urgent", ApplicationProperties = { ["n"] = 0 } }) { Action = new SqlRuleAction("SET seen = TRUE") });
        var rule = (await admin.GetRuleAsync("news", "big", "urgent")).Value;
        Assert.Equal(("urgent", "SET seen = TRUE"), (((CorrelationRuleFilter)rule.Filter).Subject, ((SqlRuleAction)rule.Action).SqlExpression));
        Assert.Equal(0, ((CorrelationRuleFilter)rule.Filter).ApplicationProperties["n"]);
        await using var sender = Client.CreateSender("news");
        for (var n = 0; n < 3; n++)
        {
            await sender.SendMessageAsync(new ServiceBusMessage($"{n}") { Subject = "urgent", ApplicationProperties = { ["n"] = n } });
        }

        await using var big = Client.CreateReceiver("news", "big");
        var first = await ReceiveAsync(big);
        Assert.Equal(("0", true), (first.Body.ToString(), first.ApplicationProperties["seen"]));
        Assert.Equal("2", (await ReceiveAsync(big)).Body.ToString());
        Assert.Equal(3, (await admin.GetSubscriptionRuntimePropertiesAsync("news", "all")).Value.ActiveMessageCount);
        Assert.Equal(2, (await admin.GetTopicRuntimePropertiesAsync("news")).Value.SubscriptionCount);
        await admin.DeleteTopicAsync("news");
        Assert.False((await admin.SubscriptionExistsAsync("news", "all")).Value);
    }

    [Theory]
    [InlineData("PUT", "x", "not xml", HttpStatusCode.BadRequest)]
    [InlineData("PUT", "x", "<entry xmlns='http://www.w3.org/2005/Atom'/>", HttpStatusCode.BadRequest)]
    [InlineData("PUT", "x", "<!DOCTYPE a [<!ENTITY b 'c'>]><entry>&b;</entry>", HttpStatusCode.BadRequest)]
    [InlineData("PUT", "bad", "<entry xmlns='http://www.w3.org/2005/Atom'><content><QueueDescription xmlns='http://schemas.microsoft.com/netservices/2010/10/servicebus/connect'><LockDuration>PT1H</LockDuration></QueueDescription></content></entry>", HttpStatusCode.BadRequest)]
    [InlineData("PUT", "$Resources/queues", "", HttpStatusCode.NotFound)]
    [InlineData("GET", "jobs/Subscriptions/none/Rules/none", null, HttpStatusCode.NotFound)]
    [InlineData("DELETE", "nothing", null, HttpStatusCode.NotFound)]
    [InlineData("POST", "jobs", "", HttpStatusCode.MethodNotAllowed)]
    public async Task Bad_requests_get_clear_answers(string method, string path, string? body, HttpStatusCode expected)
    {
        using var http = new HttpClient { BaseAddress = Broker.HttpAddress };
        using var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = body is null ? null : new StringContent(body) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Token());
        using var response = await http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(expected == response.StatusCode, text);
        Assert.Contains("<Detail>", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tokens_that_are_forged_expired_or_missing_are_refused()
    {
        using var http = new HttpClient { BaseAddress = Broker.HttpAddress };
        string?[] headers = [null, "Bearer x.y.z", "Bearer " + Token(key: new string('k', 40)), "Bearer " + Token(lifetime: TimeSpan.FromMinutes(-5)), "Bearer " + Token(audience: "https://other")];
        foreach (var header in headers)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "jobs");
            request.Headers.TryAddWithoutValidation("Authorization", header);
            using var response = await http.SendAsync(request);
            Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        }
    }

    [Theory]
    [InlineData(BrokerInstance.JwtKey, 202)]
    [InlineData("another-key-of-more-than-thirty-two-bytes", 401)]
    public async Task An_access_token_gives_rights_on_a_connection(string key, int expected)
    {
        Assert.Equal(expected, await RawAmqp.PutTokenAsync(Broker.Port, "jwt", Token(key), $"sb://127.0.0.1/{BrokerInstance.Queue}"));
    }

    private async Task RestartAsync()
    {
        var port = Broker.Port;
        await Broker.DisposeAsync();
        Broker = await BrokerInstance.StartAsync(Database, port);
    }

    internal static string Token(string key = BrokerInstance.JwtKey, TimeSpan? lifetime = null, string audience = "https://servicebus.azure.net")
    {
        var expires = DateTime.UtcNow + (lifetime ?? TimeSpan.FromMinutes(5));
        return new JsonWebTokenHandler().CreateToken(new SecurityTokenDescriptor
        {
            Audience = audience,
            NotBefore = expires.AddHours(-1),
            Expires = expires,
            SigningCredentials = new SigningCredentials(new SymmetricSecurityKey(Encoding.UTF8.GetBytes(key)), SecurityAlgorithms.HmacSha256),
        });
    }
}
