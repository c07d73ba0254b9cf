using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using AiPlatform.Hosting.TaskHubs;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;

namespace AiPlatform.Operations.DurableStatus;

/// <summary>Instances as the Durable Functions HTTP API shows them: its names, nulls included, payloads as JSON.</summary>
internal static class InstanceStatus
{
    /// <summary>The status object.</summary>
    public static JsonObject From(OrchestrationMetadata instance, bool showInput) => new()
    {
        ["name"] = instance.Name,
        ["instanceId"] = instance.InstanceId,
        ["runtimeStatus"] = instance.RuntimeStatus.ToString(),
        ["input"] = showInput ? Payloads.Show(instance.SerializedInput) : null,
        ["customStatus"] = Payloads.Show(instance.SerializedCustomStatus),
        ["output"] = instance.FailureDetails is { } failure ? Text(failure) : Payloads.Show(instance.SerializedOutput),
        ["createdTime"] = Time(instance.CreatedAt),
        ["lastUpdatedTime"] = Time(instance.LastUpdatedAt),
    };

    /// <summary>The report of stuck instances.</summary>
    public static JsonObject From(StuckReport report) => new()
    {
        ["instances"] = new JsonArray([.. report.Instances.Select(static item => (JsonNode)new JsonObject
        {
            ["name"] = item.Instance.Name,
            ["instanceId"] = item.Instance.InstanceId,
            ["runtimeStatus"] = item.Instance.OrchestrationStatus.ToString(),
            ["createdTime"] = Time(item.Instance.CreatedTimestamp.ToDateTimeOffset()),
            ["lastUpdatedTime"] = Time(item.Instance.LastUpdatedTimestamp.ToDateTimeOffset()),
            ["idleSeconds"] = Math.Floor(item.Idle.TotalSeconds),
            ["reason"] = JsonNamingPolicy.CamelCase.ConvertName(item.Reason.ToString()),
            ["waitingFor"] = item.WaitingFor,
        })]),
        ["examined"] = report.Examined,
        ["isComplete"] = report.IsComplete,
    };

    /// <summary>The history: what happened, with a task's scheduling folded into its end.</summary>
    public static JsonArray History(IReadOnlyList<HistoryEntry> history, bool showOutput)
    {
        var scheduled = history.Where(static item => item.EventType is "TaskScheduled" or "SubOrchestrationInstanceCreated")
            .GroupBy(static item => item.EventId).ToDictionary(static group => group.Key, static group => group.Last());
        return new JsonArray(
        [
            .. history.Where(static item => item.EventType is not ("OrchestratorStarted" or "OrchestratorCompleted" or "TaskScheduled" or "SubOrchestrationInstanceCreated"))
                .Select(item => (JsonNode)Event(item, item.TaskScheduledId is { } id ? scheduled.GetValueOrDefault(id) : null, showOutput)),
        ]);
    }

    private static JsonObject Event(HistoryEntry item, HistoryEntry? cause, bool showOutput)
    {
        var json = new JsonObject { ["EventType"] = item.EventType, ["Timestamp"] = Time(item.Timestamp) };
        if ((cause?.Name ?? item.Name) is { } name)
        {
            json[item.EventType is "EventRaised" or "EventSent" ? "Name" : "FunctionName"] = name;
        }

        if (cause is not null)
        {
            json["ScheduledTime"] = Time(cause.Timestamp);
        }

        if (item.Status is { } status)
        {
            json["OrchestrationStatus"] = status;
        }

        if (item.FireAt is { } fireAt)
        {
            json["FireAt"] = Time(fireAt);
        }

        if (showOutput && item.Result is not null)
        {
            json["Result"] = Payloads.Show(item.Result);
        }

        if (item.ErrorType is not null)
        {
            json["Reason"] = $"{item.ErrorType}: {item.ErrorMessage}";
        }

        return json;
    }

    private static string Text(TaskFailureDetails failure) => $"{failure.ErrorType}: {failure.ErrorMessage}";

    /// <summary>A time as the API writes it.</summary>
    public static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'", CultureInfo.InvariantCulture);
}
