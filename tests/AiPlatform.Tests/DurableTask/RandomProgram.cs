using AiPlatform.DurableTask;
using AiPlatform.DurableTask.Entities;

namespace AiPlatform.Tests.DurableTask;

/// <summary>A step of a random program: a kind, a number, and the steps below it.</summary>
public sealed record Step(string Kind, int Value, Step[] Steps)
{
    private static readonly string[] Leaves = ["const", "timer", "event", "fails", "flaky"];
    private static readonly string[] Nodes = ["activity", "child", "entity", "all", "sequence"];

    /// <summary>Makes a program of limited depth.</summary>
    public static Step Random(Random random, int depth)
    {
        if (depth == 0 || random.Next(4) == 0)
        {
            return new(Leaves[random.Next(Leaves.Length)], random.Next(1, 50), []);
        }

        var kind = Nodes[random.Next(Nodes.Length)];
        var count = kind is "all" or "sequence" ? random.Next(1, 5) : 1;
        return new(kind, random.Next(1, 50), [.. Enumerable.Range(0, count).Select(_ => Random(random, depth - 1))]);
    }

    /// <summary>What the program gives when nothing goes wrong.</summary>
    public long Evaluate() => Kind switch
    {
        "event" => Value * 3,
        "fails" => -Value,
        "activity" or "entity" => Twice(Steps[0].Evaluate()),
        "child" => Steps[0].Evaluate() + 1,
        "all" => Steps.Sum(step => step.Evaluate()),
        "sequence" => Steps.Aggregate(0L, (sum, step) => Next(sum, step.Evaluate())),
        _ => Value,
    };

    /// <summary>The events that it waits for.</summary>
    public IEnumerable<int> Events() => Kind switch
    {
        "event" => [Value],
        "child" => [],
        _ => Steps.SelectMany(step => step.Events()),
    };

    public static long Twice(long value) => (2 * value) + 1;

    private static long Next(long sum, long value) => unchecked((sum * 31) + value) % 1_000_003;

    /// <summary>Runs the program as an orchestrator does.</summary>
    public async Task<long> RunAsync(TaskOrchestrationContext context)
    {
        switch (Kind)
        {
            case "timer":
                await context.CreateTimer(TimeSpan.FromSeconds(Value), CancellationToken.None);
                return Value;
            case "event":
                return await context.WaitForExternalEvent<long>($"e{Value}");
            case "fails":
                return await FailAsync(context);
            case "flaky":
                return await context.CallActivityAsync<long>("flaky", Value, TaskOptions.FromRetryPolicy(new RetryPolicy(100, TimeSpan.FromSeconds(1))));
            case "activity":
                return await context.CallActivityAsync<long>("twice", await Steps[0].RunAsync(context));
            case "child":
                return await context.CallSubOrchestratorAsync<long>(nameof(Program), new ProgramInput([Steps[0]], 0)) + 1;
            case "entity":
                return await context.Entities.CallEntityAsync<long>(new EntityInstanceId("twice", $"k{Value % 3}"), "twice", await Steps[0].RunAsync(context));
            case "all":
                return (await Task.WhenAll(Steps.Select(step => step.RunAsync(context)))).Sum();
            case "sequence":
                var sum = 0L;
                foreach (var step in Steps)
                {
                    sum = Next(sum, await step.RunAsync(context));
                }

                return sum;
            default:
                return Value;
        }
    }

    private async Task<long> FailAsync(TaskOrchestrationContext context)
    {
        try
        {
            return await context.CallActivityAsync<long>("fails", Value);
        }
        catch (TaskFailedException exception) when (exception.FailureDetails.ErrorType == "Broken")
        {
            return -Value;
        }
    }
}

/// <summary>Programs to run one after the other, each in an execution of its own.</summary>
public sealed record ProgramInput(Step[] Steps, long Sum);

/// <summary>Runs random programs.</summary>
public sealed class Program : TaskOrchestrator<ProgramInput, long>
{
    public override async Task<long> RunAsync(TaskOrchestrationContext context, ProgramInput input)
    {
        var sum = input.Sum + await input.Steps[0].RunAsync(context);
        if (input.Steps.Length > 1)
        {
            context.ContinueAsNew(new ProgramInput(input.Steps[1..], sum));
        }

        return sum;
    }
}
