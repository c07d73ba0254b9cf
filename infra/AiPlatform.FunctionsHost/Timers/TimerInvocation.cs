using System.Text.Json.Nodes;
using AiPlatform.FunctionsHost.App;
using AiPlatform.FunctionsHost.Rpc;
using AiPlatform.FunctionsHost.Workers;

namespace AiPlatform.FunctionsHost.Timers;

/// <summary>What a worker gets when a timer fires.</summary>
internal static class TimerInvocation
{
    /// <summary>The invocation of one occurrence.</summary>
    /// <param name="function">The function.</param>
    /// <param name="before">What was known before it; null: the schedule is not monitored.</param>
    /// <param name="next">When it is due again.</param>
    /// <param name="pastDue">Whether it is late.</param>
    public static InvocationRequest For(FunctionDescription function, TimerState? before, DateTimeOffset? next, bool pastDue)
    {
        var timer = new JsonObject
        {
            ["Schedule"] = new JsonObject { ["AdjustForDST"] = true },
            ["IsPastDue"] = pastDue,
        };
        if (before is not null)
        {
            var last = before.Last ?? DateTimeOffset.MinValue;
            timer["ScheduleStatus"] = new JsonObject { ["Last"] = last, ["Next"] = next ?? DateTimeOffset.MinValue, ["LastUpdated"] = last };
        }

        var request = new InvocationRequest { InvocationId = Guid.NewGuid().ToString(), FunctionId = function.Id, TraceContext = new RpcTraceContext() };
        request.InputData.Add(new ParameterBinding { Name = function.Trigger.Name, Data = new TypedData { Json = timer.ToJsonString() } });
        return request;
    }

    /// <summary>Runs it in the worker; an invocation that is to end early is cancelled, and its end waited for.</summary>
    /// <exception cref="InvalidOperationException">The function failed.</exception>
    /// <exception cref="WorkerLostException">The worker ended.</exception>
    public static async Task RunAsync(RunningWorker worker, InvocationRequest request, CancellationToken cancellationToken)
    {
        await using var cancel = cancellationToken.Register(() => worker.Channel.Cancel(request.InvocationId));
        var result = await worker.Channel.InvokeAsync(request);
        if (result.Result?.Status != StatusResult.Types.Status.Success)
        {
            throw new InvalidOperationException(result.Result?.Exception is { } failure ? $"{failure.Type}: {failure.Message}" : "The invocation failed.");
        }
    }
}
