using AiPlatform.IntegrationTests.Servers;
using Npgsql;

namespace AiPlatform.IntegrationTests.FunctionsHost;

/// <summary>Timers of an app under one host, and under several.</summary>
[Collection(FunctionsHostCollection.Name)]
public sealed class TimerTests(PostgresFixture postgres)
{
    private const string Never = "0 0 0 1 1 *";

    [Fact]
    public async Task A_timer_fires_by_its_schedule_one_at_a_time_and_a_failure_does_not_end_it()
    {
        await using var host = await StartAsync(Never);

        await host.UntilAsync(() => host.Count("beat ") >= 4 && host.Count("long ends") >= 2 && host.Count("failing fires") >= 3, "the timers have fired");

        var beats = host.Lines.Where(static line => line.StartsWith("beat ", StringComparison.Ordinal)).ToList();
        Assert.Equal(beats.Count, beats.Distinct().Count());
        Assert.All(beats, static beat => Assert.EndsWith("pastDue=False status=False", beat, StringComparison.Ordinal));
        var turns = host.Lines.Where(static line => line.StartsWith("long ", StringComparison.Ordinal)).Select(static line => line[..6]).ToList();
        Assert.Equal(Enumerable.Range(0, turns.Count).Select(static index => index % 2 == 0 ? "long b" : "long e"), turns);
        Assert.Contains(host.Lines, static line => line.Contains("failing failed: ", StringComparison.Ordinal) && line.Contains("a timer that fails", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_was_missed_while_no_host_ran_is_made_up_for_once_and_marked()
    {
        var database = await postgres.CreateDatabaseAsync("timers");
        await using (var host = await StartAsync("0 */30 * * * *", database))
        {
            await host.UntilAsync(() => Next(database) is not null, "the timer is noted");
        }

        await ExecuteAsync(database, "UPDATE functions_host_timers SET last = next - interval '90 minutes', next = next - interval '60 minutes' WHERE function = 'configured'");
        await using (var host = await StartAsync("0 */30 * * * *", database))
        {
            await host.UntilAsync(() => host.Count("configured ") > 0, "it is made up for");
            Assert.StartsWith("configured pastDue=True last=20", host.Lines.First(static line => line.StartsWith("configured ", StringComparison.Ordinal)), StringComparison.Ordinal);
            await host.UntilAsync(() => host.Count("beat ") > 2, "time passes");
            Assert.Equal(1, host.Count("configured "));
        }
    }

    [Fact]
    public async Task Another_schedule_begins_anew()
    {
        var database = await postgres.CreateDatabaseAsync("timers");
        await using (var host = await StartAsync("0 */30 * * * *", database))
        {
            await host.UntilAsync(() => Next(database) is not null, "the timer is noted");
        }

        await ExecuteAsync(database, "UPDATE functions_host_timers SET next = next - interval '60 minutes' WHERE function = 'configured'");
        await using (var host = await StartAsync(Never, database))
        {
            await host.UntilAsync(() => host.Count("beat ") > 2, "time passes");
            Assert.Equal(0, host.Count("configured "));
            Assert.Equal(1, Next(database)!.Value.Day);
        }
    }

    [Fact]
    public async Task Of_several_hosts_one_fires_each_time_and_another_goes_on_when_it_is_gone()
    {
        var database = await postgres.CreateDatabaseAsync("timers");
        await using var first = await StartAsync(Never, database);
        await using var second = await StartAsync(Never, database);

        await first.UntilAsync(() => first.Count("beat ") + second.Count("beat ") >= 6, "the timer has fired");
        var beats = first.Lines.Concat(second.Lines).Where(static line => line.StartsWith("beat ", StringComparison.Ordinal)).ToList();
        Assert.Equal(beats.Count, beats.Distinct().Count());

        await first.StopAsync();
        var before = second.Count("beat ");
        await second.UntilAsync(() => second.Count("beat ") >= before + 3, "the other one fires");
    }

    [Fact]
    public async Task A_timer_that_ran_in_a_host_that_is_gone_fires_again_when_the_lease_has_ended()
    {
        var database = await postgres.CreateDatabaseAsync("timers");
        await using (var first = await StartAsync(Never, database))
        {
            await first.UntilAsync(() => first.Count("beat ") > 0, "the timer is noted");
        }

        await ExecuteAsync(database, "UPDATE functions_host_timers SET owner = gen_random_uuid(), lease_until = now() + interval '4 seconds' WHERE function = 'beat'");
        await using var second = await StartAsync(Never, database);
        await second.UntilAsync(() => second.Count("failing ") > 0, "other timers fire");
        Assert.Equal(0, second.Count("beat "));
        await second.UntilAsync(() => second.Count("beat ") > 0, "the lease has ended");
    }

    [Fact]
    public async Task A_database_that_is_away_stops_nothing_for_good()
    {
        var relay = new NpgsqlConnectionStringBuilder(await postgres.CreateDatabaseAsync("timers"));
        var port = relay.Port;
        relay.Port = AiPlatform.Hosting.TcpPorts.Free();
        await using var host = await StartAsync(Never, relay.ConnectionString);
        await host.UntilAsync(() => host.Lines.Any(static line => line.Contains("waits for its store", StringComparison.Ordinal)), "the database is missed");
        Assert.Equal(0, host.Count("beat "));

        await using var way = new ServiceBus.TcpRelay(port, port: relay.Port);
        await host.UntilAsync(() => host.Count("beat ") > 1, "the timer fires");
    }

    private static Task<HostInstance> StartAsync(string schedule, string? database = null)
        => HostInstance.StartAsync(SampleAppFixture.Folder, options =>
        {
            options.Environment["SAMPLE_SCHEDULE"] = schedule;
            options.Postgres = database;
        });

    private static DateTimeOffset? Next(string database)
    {
        using var connection = new NpgsqlConnection(database);
        connection.Open();
        using var exists = new NpgsqlCommand("SELECT to_regclass('functions_host_timers') IS NOT NULL", connection);
        if (exists.ExecuteScalar() is not true)
        {
            return null;
        }

        using var command = new NpgsqlCommand("SELECT next FROM functions_host_timers WHERE function = 'configured'", connection);
        return command.ExecuteScalar() is DateTime next ? new DateTimeOffset(next) : null;
    }

    private static async Task ExecuteAsync(string database, string sql)
    {
        await using var connection = new NpgsqlConnection(database);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        Assert.Equal(1, await command.ExecuteNonQueryAsync());
    }
}
