using System.Collections.Concurrent;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.Kernel.Delivery;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.IntegrationTests.Functions.Core.Delivery;

/// <summary>What the engine promises every channel.</summary>
[Collection(ServersCollection.Name)]
public sealed class DeliveryTests(PostgresFixture postgres) : IAsyncLifetime
{
    private static readonly Func<Letter, CancellationToken, Task<DeliveryAnswer>> Never =
        static async (_, token) =>
        {
            await Task.Delay(Timeout.Infinite, token);
            return DeliveryAnswer.Delivered;
        };

    private readonly ConcurrentQueue<Letter> _arrived = [];
    private DeliveryWorld _world = null!;

    public async Task InitializeAsync() => _world = await DeliveryWorld.StartAsync(postgres);

    public async Task DisposeAsync() => await _world.DisposeAsync();

    [Fact]
    public async Task Rows_of_a_key_arrive_in_the_order_in_which_they_were_written()
    {
        await _world.AddAsync([.. Enumerable.Range(0, 200).Select(static i => ($"box-{i % 7}", $"{i}"))]);
        await _world.AddAsync(new LetterChannel((letter, _) => ArriveAsync(letter)));
        await EmptyAsync();
        Assert.Equal(200, _arrived.Count);
        foreach (var box in _arrived.GroupBy(static letter => letter.Key))
        {
            Assert.Equal(box.Select(static letter => int.Parse(letter.Text)).Order(), box.Select(static letter => int.Parse(letter.Text)));
        }
    }

    [Fact]
    public async Task A_row_that_fails_holds_back_those_behind_it_and_nobody_else()
    {
        await _world.AddAsync(("a", "first"), ("a", "second"), ("b", "third"));
        var mayPass = false;
        await _world.AddAsync(new LetterChannel((letter, _) => letter.Text == "first" && !Volatile.Read(ref mayPass)
            ? Task.FromResult(new DeliveryAnswer("not yet\0") { RetryAfter = TimeSpan.FromSeconds(1) })
            : ArriveAsync(letter)) { Pause = TimeSpan.FromMilliseconds(300) });
        await Eventually.TrueAsync(async () => await _world.CountAsync("box = 'b'") == 0, "the other key's row is delivered");
        await Eventually.TrueAsync(async () => await _world.CountAsync("text = 'first' AND last_error = 'not yet' AND attempts >= 2") == 1, "the failure is written down");
        Assert.Equal(0, await _world.CountAsync("text = 'second' AND attempts > 1"));
        Volatile.Write(ref mayPass, true);
        await EmptyAsync();
        Assert.Equal(["third", "first", "second"], _arrived.Select(static letter => letter.Text));
    }

    [Fact]
    public async Task What_fails_too_often_is_parked_lets_the_next_ones_pass_and_is_replayed_with_its_id()
    {
        await _world.AddAsync(("a", "bad"), ("a", "good"));
        var isBad = true;
        var tried = 0;
        var loop = await _world.AddAsync(new LetterChannel((letter, _) =>
        {
            if (letter.Text != "bad" || !Volatile.Read(ref isBad))
            {
                return ArriveAsync(letter);
            }

            Interlocked.Increment(ref tried);
            return Task.FromResult(new DeliveryAnswer("never"));
        }));
        await Eventually.TrueAsync(async () => await _world.CountAsync("parked") == 1 && await _world.CountAsync() == 1, "the bad one is set aside and the good one delivered");
        Assert.Equal(LetterChannel.MaxAttempts, tried);
        var parked = Assert.Single(await loop.Queue.ListParkedAsync(null, 10, CancellationToken.None));
        Assert.Equal(("a", "letter", LetterChannel.MaxAttempts, "never"), (parked.Key, parked.Kind, parked.Attempts, parked.LastError));
        Assert.Empty(await loop.Queue.ListParkedAsync(parked.Id, 10, CancellationToken.None));
        Assert.Equal((0, 1), await loop.Queue.CountAsync(CancellationToken.None) is var counts ? (counts.Waiting, counts.Parked) : default);

        Volatile.Write(ref isBad, false);
        Assert.Equal(0, await loop.Queue.ReplayAsync(["77777"], CancellationToken.None));
        Assert.Equal(1, await loop.Queue.ReplayAsync(null, CancellationToken.None));
        await EmptyAsync();
        Assert.Equal((parked.Id, 1), _arrived.Last() is var last ? (last.Id, last.Attempts) : default);
    }

    [Fact]
    public async Task A_row_that_is_refused_is_parked_at_once_and_a_fault_of_ours_is_repeated()
    {
        await _world.AddAsync(("a", "refused"), ("a", "faulty"), ("a", "last"));
        var faults = 0;
        await _world.AddAsync(new LetterChannel((letter, _) => letter.Text switch
        {
            "refused" => Task.FromResult(new DeliveryAnswer("unwanted") { IsRefused = true, Status = 400 }),
            "faulty" when Interlocked.Increment(ref faults) == 1 => throw new InvalidOperationException("ours"),
            _ => ArriveAsync(letter),
        }));
        await Eventually.TrueAsync(async () => await _world.CountAsync() == 1, "all others are delivered");
        Assert.Equal(1, await _world.CountAsync("text = 'refused' AND parked AND attempts = 1 AND last_error = 'unwanted'"));
        Assert.Equal(["faulty", "last"], _arrived.Select(static letter => letter.Text));
    }

    [Fact]
    public async Task A_receiver_that_hangs_delays_only_what_is_for_it()
    {
        await _world.AddAsync([.. Enumerable.Range(0, 7).Select(static i => ($"slow-{i}", "x"))]);
        await _world.AddAsync(new LetterChannel((letter, token) => letter.Key.StartsWith("slow", StringComparison.Ordinal) ? Never(letter, token) : ArriveAsync(letter))
        {
            Pace = new DeliveryPace(Parallel: 8, Keys: 8, OfKey: 4, TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(1)),
        });
        await Eventually.TrueAsync(async () => await _world.CountAsync("attempts = 1") == 7, "all that hang are under way");
        await _world.AddAsync([.. Enumerable.Range(0, 100).Select(static i => ($"box-{i % 20}", $"{i}"))]);
        await Eventually.TrueAsync(() => Task.FromResult(_arrived.Count == 100), "everybody else's arrive meanwhile");
        Assert.Equal(7, await _world.CountAsync("due_at > now()"));
    }

    [Fact]
    public async Task Two_instances_never_deliver_a_row_at_once_nor_out_of_order_and_lose_none()
    {
        var (underWay, seen, wrong) = (new ConcurrentDictionary<string, bool>(), new ConcurrentDictionary<string, int>(), new ConcurrentQueue<string>());
        async Task<DeliveryAnswer> DeliverAsync(Letter letter, CancellationToken token)
        {
            if (!underWay.TryAdd(letter.Key, true))
            {
                wrong.Enqueue($"{letter.Key} twice at once");
            }

            await Task.Delay(Random.Shared.Next(3), token);
            underWay.TryRemove(letter.Key, out _);
            if (Random.Shared.Next(10) == 0 && letter.Attempts < LetterChannel.MaxAttempts - 1)
            {
                return new DeliveryAnswer("try again");
            }

            var number = int.Parse(letter.Text);
            seen.AddOrUpdate(letter.Key, number, (_, before) =>
            {
                if (before >= number)
                {
                    wrong.Enqueue($"{letter.Key}: {number} after {before}");
                }

                return number;
            });
            return await ArriveAsync(letter);
        }

        await _world.AddAsync(new LetterChannel(DeliverAsync));
        await _world.AddAsync(new LetterChannel(DeliverAsync));
        for (var i = 0; i < 20; i++)
        {
            await _world.AddAsync([.. Enumerable.Range(0, 30).Select(j => ($"box-{j % 10}", $"{(i * 30) + j}"))]);
        }

        await EmptyAsync();
        Assert.Empty(wrong);
        Assert.Equal(Enumerable.Range(0, 600), _arrived.Select(static letter => int.Parse(letter.Text)).Order());
    }

    [Fact]
    public async Task What_a_killed_process_held_is_delivered_when_its_lease_ends_and_not_before()
    {
        await _world.AddAsync(("a", "1"), ("a", "2"));
        var pace = new DeliveryPace(8, 16, 4, TimeSpan.FromSeconds(1), TimeSpan.Zero);
        var held = await new DeliveryStatements(LetterChannel.Table).LeaseAsync<Letter>(_world.Database, pace, [], 16, CancellationToken.None);
        Assert.Equal(2, held.Count);
        var clock = System.Diagnostics.Stopwatch.StartNew();
        await _world.AddAsync(new LetterChannel((letter, _) => ArriveAsync(letter)));
        await EmptyAsync();
        Assert.True(clock.Elapsed > pace.Lease - TimeSpan.FromMilliseconds(500), $"{clock.Elapsed}");
        Assert.Equal([("1", 2), ("2", 2)], _arrived.Select(static letter => (letter.Text, letter.Attempts)));
    }

    [Fact]
    public async Task A_process_that_stops_hands_over_at_once()
    {
        await _world.AddAsync(("a", "1"), ("a", "2"));
        var loop = await _world.AddAsync(new LetterChannel(Never) { Pace = new DeliveryPace(8, 16, 4, TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(5)) });
        await Eventually.TrueAsync(async () => await _world.CountAsync("due_at > now() + interval '1 minute'") == 2, "it holds both");
        await loop.StopAsync(CancellationToken.None);
        Assert.Equal(2, await _world.CountAsync("due_at <= now() AND attempts = 0 AND last_error IS NULL"));
    }

    [Fact]
    public async Task An_attempt_that_takes_too_long_is_broken_off_and_repeated()
    {
        await _world.AddAsync(("a", "1"));
        var tried = 0;
        await _world.AddAsync(new LetterChannel((letter, token) => Interlocked.Increment(ref tried) == 1 ? Never(letter, token) : ArriveAsync(letter))
        {
            Pace = new DeliveryPace(8, 16, 4, TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(5)),
        });
        await EmptyAsync();
        Assert.Equal(2, Assert.Single(_arrived).Attempts);
    }

    [Fact]
    public async Task Who_lost_the_lease_changes_nothing()
    {
        await _world.AddAsync(("a", "1"));
        var (statements, pace) = (new DeliveryStatements(LetterChannel.Table), new DeliveryPace(8, 16, 4, TimeSpan.FromMinutes(1), TimeSpan.Zero));
        var first = Assert.Single(await statements.LeaseAsync<Letter>(_world.Database, pace, [], 16, CancellationToken.None));
        await _world.ExecuteAsync("UPDATE letters SET due_at = now()");
        Assert.Single(await statements.LeaseAsync<Letter>(_world.Database, pace, [], 16, CancellationToken.None));
        await _world.Database.InWorkAsync(
            work => statements.SettleAsync(work, [], [new ReturnedRow(first, IsTried: true, TimeSpan.Zero, IsParked: true, "late")]), CancellationToken.None);
        Assert.Equal(1, await _world.CountAsync("NOT parked AND due_at > now() AND last_error IS NULL AND attempts = 2"));
    }

    private async Task<DeliveryAnswer> ArriveAsync(Letter letter)
    {
        await Task.Yield();
        _arrived.Enqueue(letter);
        return DeliveryAnswer.Delivered;
    }

    private Task EmptyAsync() => Eventually.TrueAsync(async () => await _world.CountAsync() == 0, "everything is delivered");
}
