using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using AiPlatform.TaskHub.Protobuf;
using AiPlatform.TaskHub.Payloads;
using Google.Protobuf.WellKnownTypes;

namespace AiPlatform.TaskHub.Engine;

/// <summary>
/// Messages between orchestrations and entities as SDKs sent them before the protocol had actions of their own: events named
/// <c>op</c>, <c>op@time</c> and <c>release</c> to an entity's id, with JSON in them; answers are events named after the request's id.
/// A worker that was not configured for the managed scheduler still sends these.
/// </summary>
internal static class LegacyEntityMessage
{
    // Marks lock requests whose answer is an event. Workers see no locks; they see calls, whose ids stay as they are.
    private const string Mark = "event:";

    /// <summary>The message that an event to an entity stands for; null when the receiver is no entity, or the event is none of these.</summary>
    public static HistoryEvent? Read(string target, string name, string? data)
    {
        if (data is null || !EntityName.TryNormalize(target, out var entity))
        {
            return null;
        }

        try
        {
            using var json = JsonDocument.Parse(data);
            return name == "release" ? Release(json.RootElement, entity)
                : name == "op" || name.StartsWith("op@", StringComparison.Ordinal) ? Request(json.RootElement, entity)
                : null;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            return null;
        }
    }

    /// <summary>Whether a call's answer is an event, named after the call: such a call names its receiver, which others do not.</summary>
    public static bool IsCall(EntityOperationCalledEvent call) => !string.IsNullOrEmpty(call.TargetInstanceId);

    /// <summary>Whether the answer to a lock request is an event, and the event's name.</summary>
    public static bool IsLock(EntityLockRequestedEvent request, [NotNullWhen(true)] out string? eventName)
    {
        eventName = request.CriticalSectionId.StartsWith(Mark, StringComparison.Ordinal) ? request.CriticalSectionId[Mark.Length..] : null;
        return eventName is not null;
    }

    /// <summary>The answer to a call.</summary>
    public static string Answer(OperationResult outcome)
        => outcome.Failure is { } failure ? Json(null, failure.FailureDetails)
            : PayloadToken.Is(outcome.Success?.Result) ? Json(null, TooLarge)
            : Json(outcome.Success?.Result, null);

    /// <summary>The answer to a lock request.</summary>
    public static string Granted() => Json("Lock Acquisition Completed", null);

    private static TaskFailureDetails TooLarge => new()
    {
        ErrorType = "EntityResultTooLarge",
        ErrorMessage = "The entity's result is too large for the encoding that the caller's worker uses. Configure the worker for the managed scheduler.",
        IsNonRetriable = true,
    };

    private static HistoryEvent Request(JsonElement json, string entity)
    {
        var id = json.GetProperty("id").GetGuid().ToString();
        var parent = Text(json, "parent");
        if (json.TryGetProperty("lockset", out var locks) && locks.ValueKind == JsonValueKind.Array)
        {
            var request = new EntityLockRequestedEvent
            {
                CriticalSectionId = Mark + id,
                ParentInstanceId = parent,
                Position = json.TryGetProperty("pos", out var position) ? position.GetInt32() : 0,
                LockSet = { locks.EnumerateArray().Select(static item => $"@{item.GetProperty("name").GetString()}@{item.GetProperty("key").GetString()}") },
            };
            return request.LockSet.All(static id => InstanceIds.IsValid(id) && EntityName.TryNormalize(id, out _)) && request.Position >= 0 && request.Position < request.LockSet.Count
                ? new HistoryEvent { EntityLockRequested = request }
                : throw new FormatException("A lock request names entities.");
        }

        var operation = json.GetProperty("op").GetString() ?? throw new FormatException("An operation has a name.");
        var due = json.TryGetProperty("due", out var time) && time.ValueKind == JsonValueKind.String
            ? Timestamp.FromDateTime(time.GetDateTime().ToUniversalTime())
            : null;
        return json.TryGetProperty("signal", out var signal) && signal.GetBoolean()
            ? new HistoryEvent
            {
                EntityOperationSignaled = new() { RequestId = id, Operation = operation, Input = Text(json, "input"), ScheduledTime = due, TargetInstanceId = entity },
            }
            : new HistoryEvent
            {
                EntityOperationCalled = new()
                {
                    RequestId = id,
                    Operation = operation,
                    Input = Text(json, "input"),
                    ScheduledTime = due,
                    ParentInstanceId = parent,
                    ParentExecutionId = Text(json, "parentExecution"),
                    TargetInstanceId = entity,
                },
            };
    }

    private static HistoryEvent Release(JsonElement json, string entity) => new()
    {
        EntityUnlockSent = new() { CriticalSectionId = Mark + Guid.Parse(Text(json, "id") ?? string.Empty), ParentInstanceId = Text(json, "parent"), TargetInstanceId = entity },
    };

    private static string? Text(JsonElement json, string name)
        => json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static string Json(string? result, TaskFailureDetails? failure)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("result", result);
            if (failure is not null)
            {
                writer.WritePropertyName("failureDetails");
                Write(writer, failure);
            }

            writer.WriteEndObject();
        }

        return System.Text.Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }

    private static void Write(Utf8JsonWriter writer, TaskFailureDetails failure)
    {
        writer.WriteStartObject();
        writer.WriteString("ErrorType", failure.ErrorType);
        writer.WriteString("ErrorMessage", failure.ErrorMessage);
        writer.WriteString("StackTrace", failure.StackTrace);
        writer.WriteBoolean("IsNonRetriable", failure.IsNonRetriable);
        if (failure.InnerFailure is { } inner)
        {
            writer.WritePropertyName("InnerFailure");
            Write(writer, inner);
        }

        writer.WriteEndObject();
    }
}
