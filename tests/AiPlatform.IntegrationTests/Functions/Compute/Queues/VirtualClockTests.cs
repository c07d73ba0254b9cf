using System.Text.Json;
using AiPlatform.Compute.Jobs;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Contracts.Queues;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Postgres;
using CsCheck;

namespace AiPlatform.IntegrationTests.Functions.Compute.Queues;

/// <summary>Order of service, ageing, back-off, times and dependencies: the real code on the real database, by the second.</summary>
[Collection(ComputeCollection.Name)]
public sealed class VirtualClockTests(VirtualDatabase database) : IClassFixture<VirtualDatabase>
{
    private static readonly SubmitTaskRequest Noop = new(TaskHandlers.Noop);

    [Fact]
    public async Task One_task_of_a_project_starts_at_once_while_another_project_has_ten_thousand_waiting()
    {
        await using var pool = await PoolAsync(slots: 4);
        await pool.ProjectAsync("big");
        await pool.SubmitAsync("big", [.. Enumerable.Repeat(Noop, 10_000)]);
        await pool.RunAsync(5);
        var one = await pool.SubmitAsync();
        Assert.Equal((WaitReason.Turn, 1), ((await pool.WhyAsync(one)).Reason, (await pool.WhyAsync(one)).Position));
        await pool.RunAsync(1);
        Assert.Equal([6d], pool.StartsOf(one));
    }

    [Fact]
    public async Task Nobody_is_told_that_everything_is_busy_while_slots_are_free()
    {
        await using var pool = await PoolAsync(slots: 4);
        await pool.RunAsync(1);
        var task = await pool.SubmitAsync();
        var wait = await pool.WhyAsync(task);
        Assert.Equal((WaitReason.Turn, 1, 0, 4), (wait.Reason, wait.Position, wait.Capacity?.Active, wait.Capacity?.Slots));
        Assert.Equal("4 of 4 slots of pool \"default\" are free; the task is number 1 in line and starts when its turn comes.", wait.Text);
        await pool.SubmitAsync(VirtualPool.Project, [.. Enumerable.Repeat(Noop, 8)]);
        await pool.RunAsync(0);
        var last = await pool.SubmitAsync();
        Assert.StartsWith("All 4 slots of pool \"default\" are busy", (await pool.WhyAsync(last)).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Projects_and_users_are_served_by_their_shares()
    {
        await using var pool = await PoolAsync(slots: 4);
        await pool.ProjectAsync("heavy", weight: 3);
        await pool.SubmitAsync("heavy", [.. Enumerable.Repeat(Noop, 200)]);
        var busy = await pool.SubmitAsync(VirtualPool.Project, [.. Enumerable.Repeat(Noop, 200)], "busy");
        var calm = await pool.SubmitAsync(VirtualPool.Project, [.. Enumerable.Repeat(Noop, 200)], "calm");
        await pool.RunAsync(39);
        Assert.Equal(160, pool.Starts.Count);
        Assert.Equal(120, pool.Starts.Count(static start => start.Project == "heavy"), 2.0);
        Assert.Equal(20, pool.Starts.Count(start => busy.Contains(start.TaskId)), 2.0);
        Assert.Equal(20, pool.Starts.Count(start => calm.Contains(start.TaskId)), 2.0);
    }

    [Fact]
    public async Task Priority_decides_until_a_task_is_overdue()
    {
        await using var pool = await PoolAsync(slots: 1, ageingStep: TimeSpan.FromSeconds(10));
        var low = await pool.SubmitAsync(Noop with { Priority = JobPriority.Low });
        var normal = await pool.SubmitAsync(Noop with { Priority = JobPriority.Normal });
        await pool.SubmitAsync(VirtualPool.Project, [.. Enumerable.Repeat(Noop with { Priority = JobPriority.Critical }, 100)]);
        await pool.RunAsync(60);
        Assert.InRange(Assert.Single(pool.StartsOf(normal)), 20, 31);
        Assert.InRange(Assert.Single(pool.StartsOf(low)), 30, 51);
        Assert.Equal(61, pool.Starts.Count);
    }

    [Fact]
    public async Task Without_overdue_tasks_the_more_important_go_first()
    {
        await using var pool = await PoolAsync(slots: 1);
        var tasks = new List<string>();
        foreach (var priority in new[] { JobPriority.Low, JobPriority.Normal, JobPriority.High, JobPriority.Critical })
        {
            tasks.Add(await pool.SubmitAsync(Noop with { Priority = priority }));
        }

        await pool.RunAsync(5);
        Assert.Equal(Enumerable.Reverse(tasks), pool.Starts.Select(static start => start.TaskId));
    }

    [Fact]
    public async Task Repeats_follow_the_back_off_to_the_second_and_end_in_the_dead_letters()
    {
        await using var pool = await PoolAsync(slots: 4);
        pool.Handler = static _ => (TimeSpan.Zero, "http.503");
        var retry = new TaskRetry(MaxAttempts: 5, FirstDelaySeconds: 2, BackoffCoefficient: 3, MaxDelaySeconds: 30, Jitter: 0, RetryOn: ["http.5*"]);
        var repeated = await pool.SubmitAsync(Noop with { Retry = retry });
        var other = await pool.SubmitAsync(Noop with { Retry = retry with { RetryOn = ["timeout"] } });
        await pool.RunAsync(4);
        Assert.Equal(WaitReason.BackOff, (await pool.WhyAsync(repeated)).Reason);
        await pool.RunAsync(66);
        Assert.Equal([0d, 2, 8, 26, 56], pool.StartsOf(repeated));
        Assert.Equal([0d], pool.StartsOf(other));
        Assert.Equal((QueueTaskStatus.DeadLettered, "http.503"), await pool.StateAsync(repeated));
        Assert.Equal((QueueTaskStatus.DeadLettered, "http.503"), await pool.StateAsync(other));
    }

    [Fact]
    public async Task Jitter_spreads_tasks_that_failed_together()
    {
        await using var pool = await PoolAsync(slots: 64);
        pool.Handler = static task => (TimeSpan.Zero, task.Attempt == 1 ? "error" : null);
        await pool.SubmitAsync(VirtualPool.Project, [.. Enumerable.Repeat(Noop with { Retry = new TaskRetry(FirstDelaySeconds: 20, Jitter: 0.5) }, 64)]);
        await pool.RunAsync(21);
        var repeats = pool.Starts.Where(static start => start.Attempt == 2).Select(static start => (start.At - VirtualPool.Epoch).TotalSeconds).ToList();
        Assert.Equal(64, repeats.Count);
        Assert.All(repeats, static at => Assert.InRange(at, 10, 20));
        Assert.True(repeats.Distinct().Count() >= 6, string.Join(' ', repeats));
    }

    [Fact]
    public async Task Delays_deadlines_and_limits_hold_to_the_second()
    {
        await using var pool = await PoolAsync(slots: 8);
        pool.Handler = static _ => (TimeSpan.FromSeconds(10), null);
        var delayed = await pool.SubmitAsync(Noop with { DelaySeconds = 25 });
        var missed = await pool.SubmitAsync(Noop with { DelaySeconds = 60, Deadline = VirtualPool.Epoch.AddSeconds(15) });
        var keyed = await pool.SubmitAsync(VirtualPool.Project, [.. Enumerable.Repeat(Noop with { Concurrency = new TaskConcurrency("account", 2) }, 6)]);
        await pool.ProjectAsync("small", maxRunning: 1);
        var bounded = await pool.SubmitAsync("small", [Noop, Noop, Noop]);
        await pool.RunAsync(5);
        Assert.Equal((WaitReason.Concurrency, 2), ((await pool.WhyAsync(keyed[^1])).Reason, (await pool.WhyAsync(keyed[^1])).Limit?.Active));
        Assert.Equal((WaitReason.Quota, 1), ((await pool.WhyAsync(bounded[^1])).Reason, (await pool.WhyAsync(bounded[^1])).Limit?.Limit));
        await pool.RunAsync(26);
        Assert.Equal([25d], pool.StartsOf(delayed));
        Assert.Equal((QueueTaskStatus.DeadLettered, "deadline"), await pool.StateAsync(missed));
        Assert.Equal([0d, 0, 10, 10, 20, 20], keyed.SelectMany(pool.StartsOf).Order());
        Assert.Equal([0d, 10, 20], bounded.SelectMany(pool.StartsOf).Order());
    }

    [Fact]
    public async Task Dependents_start_when_the_ends_that_they_wait_for_are_there()
    {
        await using var pool = await PoolAsync(slots: 8);
        pool.Handler = static task => (TimeSpan.FromSeconds(task.Payload!.Value.GetInt32()), task.Payload.Value.GetInt32() == 7 ? "error" : null);
        static SubmitTaskRequest Node(string name, int seconds, DependencyMode mode = DependencyMode.All, params string[] after)
            => new(TaskHandlers.Noop, JsonSerializer.SerializeToElement(seconds), Ref: name, Retry: new TaskRetry(MaxAttempts: 1),
                DependsOn: after.Length == 0 ? null : new TaskDependencies(after, mode));
        SubmitTaskRequest[] graph =
        [
            Node("root", 10), Node("left", 5, after: "root"), Node("right", 20, after: "root"), Node("join", 1, after: ["left", "right"]),
            Node("any", 1, DependencyMode.Any, "left", "right"), Node("fails", 7, after: "root"), Node("cleanup", 1, DependencyMode.OnFailure, "fails", "right"),
            Node("never", 1, after: "fails"), Node("after-never", 1, DependencyMode.OnFailure, "never"),
        ];
        var ids = (await pool.SubmitAsync(VirtualPool.Project, graph)).Select((id, i) => (graph[i].Ref!, id)).ToDictionary();
        Assert.Equal(WaitReason.Dependency, (await pool.WhyAsync(ids["join"])).Reason);
        await pool.RunAsync(40);
        Assert.Equal([0d, 10, 10, 30, 15, 10, 17], ((string[])["root", "left", "right", "join", "any", "fails", "cleanup"]).SelectMany(name => pool.StartsOf(ids[name])));
        Assert.Equal(QueueTaskStatus.Skipped, (await pool.StateAsync(ids["never"])).Status);
        Assert.Equal([17d], pool.StartsOf(ids["after-never"]));
    }

    [Fact]
    public async Task Any_graph_ends_as_a_naive_evaluation_says_and_nothing_starts_early()
        => await Gen.Select(Gen.Int[0, 1_000_000].Array[25], Gen.Int[0, 9].Array[25]).SampleAsync(graph => CheckGraphAsync(graph.Item1, graph.Item2), iter: 4, threads: 1);

    [Fact]
    public async Task A_daily_schedule_keeps_its_local_hour_over_the_change_of_clocks_and_makes_up_for_an_outage_once()
    {
        await using var pool = await PoolAsync(slots: 4);
        pool.Time.Advance(new DateTimeOffset(2026, 3, 27, 0, 0, 0, TimeSpan.Zero) - pool.Time.GetUtcNow());
        await pool.Schedules.CreateAsync(
            VirtualPool.Project, VirtualPool.Pool, new CreateTaskScheduleRequest("daily", "0 7 * * *", Noop, "Europe/Berlin"),
            new Caller("virtual", "virtual", CallerRole.Member), CancellationToken.None);
        await pool.RunAsync(TimeSpan.FromDays(4), TimeSpan.FromMinutes(30));
        Assert.Equal(["27 06:00", "28 06:00", "29 05:00", "30 05:00"], pool.Starts.Select(static start => $"{start.At:dd HH:mm}"));
        pool.Time.Advance(TimeSpan.FromDays(3));
        await pool.RunAsync(TimeSpan.FromHours(12), TimeSpan.FromMinutes(30));
        Assert.Equal(["03 00:00", "03 05:00"], pool.Starts.Skip(4).Select(static start => $"{start.At:dd HH:mm}"));
    }

    private Task<VirtualPool> PoolAsync(int slots, TimeSpan? ageingStep = null) => VirtualPool.CreateAsync(database.ConnectionString, slots, ageingStep);

    // Each task depends on up to three earlier ones; kind 0 and 1 fail, the rest of the number chooses the mode.
    private async Task CheckGraphAsync(int[] links, int[] kinds)
    {
        await using var pool = await PoolAsync(slots: 64);
        pool.Handler = task => (TimeSpan.FromSeconds(1 + (task.Payload!.Value.GetInt32() % 3)), kinds[task.Payload.Value.GetInt32()] <= 1 ? "error" : null);
        var edges = links.Select(static (link, i) => i == 0 || link % 4 == 0 ? [] : Enumerable.Range(1, link % 4).Select(n => link / n % i).Distinct().ToArray()).ToArray();
        var modes = kinds.Select(static kind => (DependencyMode)(kind % 3)).ToArray();
        var ids = await pool.SubmitAsync(VirtualPool.Project, [.. links.Select((_, i) => new SubmitTaskRequest(
            TaskHandlers.Noop, JsonSerializer.SerializeToElement(i), Ref: $"t{i}", Retry: new TaskRetry(MaxAttempts: 1),
            DependsOn: edges[i].Length == 0 ? null : new TaskDependencies([.. edges[i].Select(static edge => $"t{edge}")], modes[i])))]);
        await pool.RunAsync(80);

        var expected = new QueueTaskStatus[links.Length];
        for (var i = 0; i < links.Length; i++)
        {
            var good = edges[i].Count(edge => expected[edge] == QueueTaskStatus.Succeeded);
            var runs = edges[i].Length == 0 || modes[i] switch
            {
                DependencyMode.All => good == edges[i].Length,
                DependencyMode.Any => good > 0,
                _ => good < edges[i].Length,
            };
            expected[i] = !runs ? QueueTaskStatus.Skipped : kinds[i] <= 1 ? QueueTaskStatus.DeadLettered : QueueTaskStatus.Succeeded;
        }

        for (var i = 0; i < links.Length; i++)
        {
            Assert.Equal((i, expected[i]), (i, (await pool.StateAsync(ids[i])).Status));
            if (modes[i] == DependencyMode.All && pool.StartsOf(ids[i]) is [var start])
            {
                Assert.All(edges[i], edge => Assert.True(pool.StartsOf(ids[edge])[0] + 1 + (edge % 3) <= start, $"{i} starts at {start}, before {edge} ends."));
            }
        }
    }
}
