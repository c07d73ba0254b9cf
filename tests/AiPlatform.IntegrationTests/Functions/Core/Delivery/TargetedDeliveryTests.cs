using System.Collections.Concurrent;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.Kernel.Delivery;

namespace AiPlatform.IntegrationTests.Functions.Core.Delivery;

/// <summary>What the engine promises channels whose receivers have a table.</summary>
[Collection(ServersCollection.Name)]
public sealed class TargetedDeliveryTests(PostgresFixture postgres) : IAsyncLifetime
{
    private readonly ConcurrentQueue<string> _arrived = [];
    private DeliveryWorld _world = null!;

    public async Task InitializeAsync() => _world = await DeliveryWorld.StartAsync(postgres);

    public async Task DisposeAsync() => await _world.DisposeAsync();

    [Fact]
    public async Task Whoever_is_closed_is_left_alone_until_it_opens()
    {
        await _world.ExecuteAsync("INSERT INTO boxes (id, open) VALUES ('open', true), ('closed', false)");
        await _world.AddAsync(("closed", "a"), ("open", "b"), ("gone", "c"));
        var loop = await _world.AddAsync(new ParcelChannel(ArriveAsync));
        await Eventually.TrueAsync(() => Task.FromResult(_arrived.Contains("bopen")), "the open one's arrives");
        Assert.Equal(2, await _world.CountAsync("attempts = 0"));
        Assert.False(await _world.ScalarAsync<bool>($"SELECT {loop.DueCondition}"));
        await _world.ExecuteAsync("UPDATE boxes SET open = true");
        await Eventually.TrueAsync(() => Task.FromResult(_arrived.Contains("aclosed")), "the other's arrives when it may");
    }

    [Fact]
    public async Task Many_rows_of_one_receiver_do_not_stand_before_those_of_others()
    {
        await _world.ExecuteAsync("INSERT INTO boxes (id) VALUES ('busy'), ('calm-1'), ('calm-2'), ('calm-3')");
        await _world.AddAsync([.. Enumerable.Range(0, 200).Select(static _ => ("busy", "x"))]);
        await _world.AddAsync(("calm-1", "x"), ("calm-2", "x"), ("calm-3", "x"));
        await _world.AddAsync(new ParcelChannel(ArriveAsync));
        await Eventually.TrueAsync(async () => await _world.CountAsync() == 0, "everything is delivered");
        Assert.InRange(_arrived.ToList().FindLastIndex(static text => text.StartsWith("xcalm", StringComparison.Ordinal)), 2, 40);
    }

    [Fact]
    public async Task A_row_that_failed_lets_the_next_ones_pass_where_there_is_no_order()
    {
        await _world.ExecuteAsync("INSERT INTO boxes (id) VALUES ('a')");
        await _world.AddAsync(("a", "bad-"), ("a", "good-"));
        var channel = new ParcelChannel((letter, token) => letter.Text == "bad-a" ? Task.FromResult(new DeliveryAnswer("no") { Status = 503 }) : ArriveAsync(letter, token));
        await _world.AddAsync(channel);
        await Eventually.TrueAsync(async () => await _world.CountAsync("attempts >= 2") == 1 && await _world.CountAsync() == 1, "the good one is delivered, the bad one repeated");
        Assert.Equal(["good-a"], _arrived);
    }

    [Fact]
    public async Task The_receiver_is_told_what_came_of_its_rows_but_not_of_faults_of_ours()
    {
        await _world.ExecuteAsync("INSERT INTO boxes (id) VALUES ('a'), ('b')");
        await _world.AddAsync(("a", "taken-"), ("a", "failed-"), ("b", "fault-"));
        var faults = 0;
        var channel = new ParcelChannel((letter, token) => letter.Text switch
        {
            "failed-a" when letter.Attempts == 1 => Task.FromResult(new DeliveryAnswer("no") { Status = 503 }),
            "fault-b" when Interlocked.Increment(ref faults) == 1 => throw new InvalidOperationException("ours"),
            _ => ArriveAsync(letter, token),
        });
        await _world.AddAsync(channel);
        await Eventually.TrueAsync(async () => await _world.CountAsync() == 0, "everything is delivered");
        var told = channel.Told.Where(static group => group.Key == "a").ToList();
        Assert.Equal((503, 1), (told.Single(static group => group.Failure is not null).Failure!.Status, told.Count(static group => group.Failed.Count > 0)));
        var b = Assert.Single(channel.Told, static group => group.Key == "b");
        Assert.Equal((1, 0), (b.Delivered.Count, b.Failed.Count));
        Assert.Equal(1, await _world.ScalarAsync<int>("SELECT told FROM boxes WHERE id = 'b'"));
    }

    private Task<DeliveryAnswer> ArriveAsync(Letter letter, CancellationToken cancellationToken)
    {
        _arrived.Enqueue(letter.Text);
        return Task.FromResult(DeliveryAnswer.Delivered);
    }
}
