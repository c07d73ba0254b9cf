using Microsoft.DurableTask;

namespace AiPlatform.IntegrationTests.TaskHub;

/// <summary>Orchestrators and activities that the tests share.</summary>
internal static class SampleTasks
{
    public static void Register(DurableTaskRegistry registry)
    {
        registry.AddOrchestrator<Sequence>();
        registry.AddOrchestrator<FanOut>();
        registry.AddOrchestrator<Collector>();
        registry.AddActivity<PlusOne>();
        registry.AddActivityFunc<string, string>("Fails", string (TaskActivityContext _, string message) => throw new InvalidOperationException(message));
        registry.AddOrchestratorFunc<string, string>("Waits", async (context, _) => await context.WaitForExternalEvent<string>("go"));
        registry.AddOrchestratorFunc<double, string>("WaitsAtMost", async (context, milliseconds) =>
        {
            try
            {
                return await context.WaitForExternalEvent<string>("go", TimeSpan.FromMilliseconds(milliseconds));
            }
            catch (TaskCanceledException)
            {
                return "timed out";
            }
        });
        registry.AddOrchestratorFunc<double, double>("Sleeps", async (context, milliseconds) =>
        {
            var started = context.CurrentUtcDateTime;
            await context.CreateTimer(TimeSpan.FromMilliseconds(milliseconds), CancellationToken.None);
            return (context.CurrentUtcDateTime - started).TotalMilliseconds;
        });
        registry.AddOrchestratorFunc<int, int[]>("Parent", async (context, count) =>
            await Task.WhenAll(Enumerable.Range(0, count).Select(start => context.CallSubOrchestratorAsync<int>(nameof(Sequence), start))));
        registry.AddOrchestratorFunc<string, string>("WaitingParent", async (context, child) =>
            await context.CallSubOrchestratorAsync<string>("Waits", "", new SubOrchestrationOptions(instanceId: child)));
        registry.AddOrchestratorFunc<string, string>("Catches", async (context, message) =>
        {
            try
            {
                await context.CallActivityAsync("Fails", message);
                return "nothing was thrown";
            }
            catch (TaskFailedException exception) when (exception.FailureDetails.IsCausedBy<InvalidOperationException>())
            {
                return exception.FailureDetails.ErrorMessage;
            }
        });
        registry.AddOrchestratorFunc<string, string>("DoesNotCatch", async (context, message) => await context.CallActivityAsync<string>("Fails", message));
        registry.AddOrchestratorFunc<string, string>("Sends", (context, target) =>
        {
            context.SendEvent(target, "go", "sent");
            return Task.FromResult("done");
        });
        registry.AddOrchestratorFunc<string, string>("Reports", async (context, _) =>
        {
            context.SetCustomStatus(new { phase = "waiting" });
            await context.WaitForExternalEvent<string>("go");
            context.SetCustomStatus(new { phase = "over" });
            return context.NewGuid().ToString();
        });
    }

    /// <summary>Calls five activities one after the other.</summary>
    internal sealed class Sequence : TaskOrchestrator<int, int>
    {
        public override async Task<int> RunAsync(TaskOrchestrationContext context, int input)
        {
            var value = input;
            for (var index = 0; index < 5; index++)
            {
                value = await context.CallActivityAsync<int>(nameof(PlusOne), value);
            }

            return value;
        }
    }

    /// <summary>Calls many activities at once.</summary>
    internal sealed class FanOut : TaskOrchestrator<int, long>
    {
        public override async Task<long> RunAsync(TaskOrchestrationContext context, int input)
        {
            var results = await Task.WhenAll(Enumerable.Range(0, input).Select(value => context.CallActivityAsync<int>(nameof(PlusOne), value)));
            return results.Sum(result => (long)result);
        }
    }

    /// <summary>State of <see cref="Collector"/>.</summary>
    internal sealed record Collected(int Left, int Sum);

    /// <summary>Adds up events, in a new execution for each.</summary>
    internal sealed class Collector : TaskOrchestrator<Collected, int>
    {
        public override async Task<int> RunAsync(TaskOrchestrationContext context, Collected input)
        {
            var sum = input.Sum + await context.WaitForExternalEvent<int>("add");
            if (input.Left > 1)
            {
                context.ContinueAsNew(new Collected(input.Left - 1, sum));
            }

            return sum;
        }
    }

    /// <summary>Adds one.</summary>
    internal sealed class PlusOne : TaskActivity<int, int>
    {
        public override Task<int> RunAsync(TaskActivityContext context, int input) => Task.FromResult(input + 1);
    }
}
