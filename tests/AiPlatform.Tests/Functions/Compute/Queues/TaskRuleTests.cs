using System.Text.Json;
using AiPlatform.Compute.Queues;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Queues;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using CsCheck;

namespace AiPlatform.Tests.Functions.Compute.Queues;

public sealed class TaskRuleTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch.AddYears(50);

    [Fact]
    public void The_back_off_doubles_up_to_its_cap_and_ends_with_the_last_attempt()
    {
        var retry = new TaskRetry(MaxAttempts: 6, FirstDelaySeconds: 1, BackoffCoefficient: 2, MaxDelaySeconds: 5, Jitter: 0);
        var delays = Enumerable.Range(1, 6).Select(attempt => RetryRule.NextDelay(retry, attempt, "error", 0.7)?.TotalSeconds);
        Assert.Equal([1, 2, 4, 5, 5, null], delays);
    }

    [Fact]
    public void Jitter_only_shortens_and_stays_within_its_part()
        => Gen.Select(Gen.Double[0, 1], Gen.Double[0, 1], Gen.Int[1, 50]).Sample((jitter, random, attempt) =>
        {
            var retry = new TaskRetry(MaxAttempts: 100, FirstDelaySeconds: 10, BackoffCoefficient: 3, MaxDelaySeconds: 1_000, Jitter: jitter);
            var full = RetryRule.NextDelay(retry with { Jitter = 0 }, attempt, "error", 0)!.Value;
            var delay = RetryRule.NextDelay(retry, attempt, "error", random)!.Value;
            Assert.InRange(delay.TotalSeconds, (full.TotalSeconds * (1 - jitter)) - 0.001, full.TotalSeconds + 0.001);
        });

    [Theory]
    [InlineData(null, "error", true)]
    [InlineData(null, "invalid", false)]
    [InlineData("http.5*", "http.503", true)]
    [InlineData("http.5*", "http.404", false)]
    [InlineData("timeout", "timeout", true)]
    [InlineData("timeout", "timeouts", false)]
    [InlineData("*", "invalid", true)]
    public void Only_the_named_kinds_of_errors_are_repeated(string? pattern, string kind, bool repeated)
        => Assert.Equal(repeated, RetryRule.IsRepeated(new TaskRetry(RetryOn: pattern is null ? null : [pattern]), kind));

    [Theory]
    [InlineData(DependencyMode.All, "Succeeded,Succeeded", "Run")]
    [InlineData(DependencyMode.All, "Succeeded,Running", "Wait")]
    [InlineData(DependencyMode.All, "Running,DeadLettered", "Skip")]
    [InlineData(DependencyMode.All, "Cancelled", "Skip")]
    [InlineData(DependencyMode.Any, "Succeeded,Running", "Run")]
    [InlineData(DependencyMode.Any, "DeadLettered,Ready", "Wait")]
    [InlineData(DependencyMode.Any, "DeadLettered,Skipped", "Skip")]
    [InlineData(DependencyMode.OnFailure, "DeadLettered,Running", "Run")]
    [InlineData(DependencyMode.OnFailure, "Succeeded,Queued", "Wait")]
    [InlineData(DependencyMode.OnFailure, "Succeeded", "Skip")]
    public void Ends_of_dependencies_decide(DependencyMode mode, string states, string verdict)
        => Assert.Equal(verdict, DependencyRule.Decide(mode, [.. states.Split(',').Select(Enum.Parse<QueueTaskStatus>)]).ToString());

    [Fact]
    public void A_circle_is_found_and_named()
    {
        Assert.Null(DependencyGraph.FindCycle([[], [0], [0, 1], [2]]));
        var cycle = DependencyGraph.FindCycle([[], [3, 0], [1], [2], [3]])!;
        Assert.Equal(cycle[0], cycle[^1]);
        Assert.Equal([1, 2, 3], cycle.Distinct().Order());
        Assert.Equal([0, 0], DependencyGraph.FindCycle([[0]])!);
    }

    [Fact]
    public void Edges_to_earlier_tasks_only_never_make_a_circle()
        => Gen.Int[0, 1_000].Array[0, 60].Sample(seeds =>
            Assert.Null(DependencyGraph.FindCycle([.. seeds.Select((seed, i) => (IReadOnlyList<int>)(i == 0 ? [] : [seed % i]))])));

    [Fact]
    public void A_chain_of_ten_thousand_is_no_circle_until_it_is_closed()
    {
        var chain = Enumerable.Range(0, 10_000).Select(i => (IReadOnlyList<int>)(i == 0 ? [] : [i - 1])).ToArray();
        Assert.Null(DependencyGraph.FindCycle(chain));
        chain[0] = [9_999];
        Assert.Equal(10_001, DependencyGraph.FindCycle(chain)!.Count);
    }

    [Fact]
    public void Every_end_is_final_and_nothing_leaves_it_but_a_replay()
    {
        var states = Enum.GetValues<QueueTaskStatus>();
        foreach (var from in states.Where(TaskStates.IsFinal))
        {
            // With its dependents: what was skipped because of a dead letter waits for it again.
            Assert.Equal(from is QueueTaskStatus.DeadLettered or QueueTaskStatus.Skipped, states.Any(to => TaskStates.IsAllowed(from, to)));
        }

        Assert.All(states.Where(state => !TaskStates.IsFinal(state)), state => Assert.True(TaskStates.IsAllowed(state, QueueTaskStatus.Cancelled)));
    }

    public static TheoryData<string, string> BadTasks() => new()
    {
        { """{"handler":"shell"}""", "handler" },
        { """{"handler":"noop","timeoutSeconds":0}""", "timeoutSeconds" },
        { """{"handler":"noop","delaySeconds":-1}""", "delaySeconds" },
        { """{"handler":"noop","delaySeconds":1,"runAt":"2030-01-01T00:00:00Z"}""", "delaySeconds" },
        { """{"handler":"noop","deadline":"2001-01-01T00:00:00Z"}""", "deadline" },
        { """{"handler":"noop","retry":{"maxAttempts":0}}""", "retry.maxAttempts" },
        { """{"handler":"noop","retry":{"jitter":2}}""", "retry.jitter" },
        { """{"handler":"noop","concurrency":{"key":""}}""", "concurrency.key" },
        { """{"handler":"noop","concurrency":{"key":"k","limit":0}}""", "concurrency.limit" },
        { """{"handler":"noop","dependsOn":{"tasks":[]}}""", "dependsOn.tasks" },
        { """{"handler":"noop","dependsOn":{"tasks":["nobody"]}}""", "dependsOn.tasks" },
        { """{"handler":"noop","parentId":"x"}""", "parentId" },
        { """{"handler":"http"}""", "payload" },
        { """{"handler":"http","payload":{"url":"file:///etc/passwd"}}""", "payload.url" },
        { """{"handler":"http","payload":{"url":"http://a/","method":"TRACE"}}""", "payload.method" },
        { """{"handler":"http","payload":{"link":"http://a/"}}""", "payload.link" },
        { """{"handler":"python","payload":{"package":"x","function":"m:f"}}""", "payload.package" },
        { """{"handler":"python","payload":{"package":"00000000000000000000000000000000","function":"m.f()"}}""", "payload.function" },
    };

    [Theory]
    [MemberData(nameof(BadTasks))]
    public void Bad_tasks_are_refused_by_field(string json, string field)
    {
        var request = JsonSerializer.Deserialize<SubmitTaskRequest>(json, ContractsJson.Strict)!;
        var problem = Assert.Throws<ApiException>(() => TaskSubmissionCheck.CheckOne(request, "", new Dictionary<string, int>(), new QueueOptions(), Now));
        Assert.Equal((ErrorCodes.InvalidRequest, field), (problem.Code, problem.Field));
    }

    [Fact]
    public void A_circle_in_a_submission_is_refused_by_name()
    {
        SubmitTaskRequest Task(string name, string dependency) => new(TaskHandlers.Noop, Ref: name, DependsOn: new TaskDependencies([dependency]));
        var problem = Assert.Throws<ApiException>(() => TaskSubmissionCheck.CheckAll([Task("a", "b"), Task("b", "a")], new QueueOptions(), Now));
        Assert.Equal(ErrorCodes.DependencyCycle, problem.Code);
        Assert.Contains("a", (string)problem.Arguments[0]!);
    }
}
