using System.Net;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Deliveries;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.Kernel.Delivery;
using AiPlatform.Kernel.Tick;
using Dapper;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace AiPlatform.IntegrationTests.Functions.Operations;

/// <summary>What administrators see of deliveries, and how they send again what was given up. The hub of this app is away.</summary>
[Collection(TrackingCollection.Name)]
public sealed class DeliveryApiTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>
{
    [Fact]
    public async Task What_was_given_up_is_listed_and_replayed()
    {
        await using var connection = new NpgsqlConnection(functions.Postgres);
        var ids = (await connection.QueryAsync<long>(
            """
            INSERT INTO outbox (kind, instance_id, name, parked, attempts, last_error, created_at)
            SELECT 'raise-event', 'parked-' || n, 'go', true, 200, 'away', '2026-01-02T03:04:05Z' FROM generate_series(1, 3) n RETURNING id
            """)).Order().Select(static id => $"{id}").ToList();
        var client = (await functions.AdministratorAsync()).Client;
        var channels = (await client.GetAsync<Page<DeliveryChannel>>("/v1/deliveries")).Items;
        Assert.Equal(["lineage", "outbox", "webhooks"], channels.Select(static channel => channel.Name));
        Assert.Equal(3, channels[1].Parked);

        var first = await client.GetAsync<Page<ParkedDelivery>>("/v1/deliveries/outbox/parked?pageSize=2");
        Assert.Equal(new ParkedDelivery(ids[0], "parked-1", "raise-event", 200, "away", new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero)), first.Items[0]);
        var second = await client.GetAsync<Page<ParkedDelivery>>($"/v1/deliveries/outbox/parked?pageSize=2&pageToken={first.NextPageToken}");
        Assert.Equal((ids[2], null), (Assert.Single(second.Items).Id, second.NextPageToken));

        var replayed = await client.PostAsync<ReplayedDeliveries>("/v1/deliveries/outbox/replay", new ReplayDeliveriesRequest([ids[1], "none", "-1"]));
        Assert.Equal(new ReplayedDeliveries(1, true), replayed);
        Assert.Equal(new ReplayedDeliveries(2, false), await client.PostAsync<ReplayedDeliveries>("/v1/deliveries/outbox/replay", new ReplayDeliveriesRequest()));
        Assert.Equal(3, await connection.ExecuteScalarAsync<int>("SELECT count(*)::int FROM outbox WHERE instance_id LIKE 'parked-%' AND NOT parked AND attempts < 100"));
        await Eventually.TrueAsync(
            async () => await connection.ExecuteScalarAsync<int>("SELECT count(*)::int FROM outbox WHERE instance_id LIKE 'parked-%' AND attempts > 0 AND last_error <> 'away'") == 3,
            "they are tried again");

        // They wait for the hub, and the tick says how many.
        var tick = functions.App.Services.GetServices<ITickTask>().Single(static task => task is DeliveryTick);
        await tick.RunAsync(CancellationToken.None);
        using var scraper = functions.Client(FunctionsFixture.MetricsToken);
        var metrics = await scraper.GetStringAsync("/metrics");
        Assert.Contains("aiplatform_deliveries_parked{channel=\"outbox\"} 0", metrics, StringComparison.Ordinal);
        Assert.Contains("aiplatform_delivery_attempts_total{channel=\"outbox\",outcome=\"failed\"}", metrics, StringComparison.Ordinal);
        Assert.Matches("aiplatform_deliveries_waiting\\{channel=\"outbox\"\\} [1-9]", metrics);
        await connection.ExecuteAsync("DELETE FROM outbox WHERE instance_id LIKE 'parked-%'");
    }

    [Fact]
    public async Task Only_administrators_see_them_and_what_is_wrong_is_refused()
    {
        var member = (await functions.CreateUserAsync()).Client;
        await member.GetAsync("/v1/deliveries").ProblemAsync(HttpStatusCode.Forbidden, ErrorCodes.Forbidden);
        await member.PostJsonAsync("/v1/deliveries/outbox/replay", "{}").ProblemAsync(HttpStatusCode.Forbidden, ErrorCodes.Forbidden);
        var client = (await functions.AdministratorAsync()).Client;
        await client.GetAsync("/v1/deliveries/mail/parked").ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        await client.PostJsonAsync("/v1/deliveries/mail/replay", "{}").ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        await client.PostJsonAsync("/v1/deliveries/outbox/replay", """{"deliveries":[]}""").ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        await client.PostJsonAsync("/v1/deliveries/outbox/replay", """{"deliveries":[""]}""").ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);

        // A token of a list whose ids are no numbers.
        await client.GetAsync("/v1/deliveries/outbox/parked?pageToken=WyJ4Il0").ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidPageToken);
        Assert.Empty((await client.GetAsync<Page<ParkedDelivery>>("/v1/deliveries/webhooks/parked?pageToken=WyJ4Il0")).Items);
    }
}
