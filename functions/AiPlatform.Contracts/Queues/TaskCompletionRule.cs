using System.Text.Json;

namespace AiPlatform.Contracts.Queues;

/// <summary>
/// Makes the end of one attempt storable: a result that cannot be stored is a failed attempt with a reason, and texts are cleaned. Workers
/// apply it where results arise, the platform again at the door, each time to one attempt: what is wrong with it is its own affair.
/// </summary>
public static class TaskCompletionRule
{
    /// <summary>Most bytes of a result.</summary>
    public const int MaxResultBytes = 64 * 1024;

    /// <summary>Most characters of an error that are kept.</summary>
    public const int MaxErrorLength = 4_000;

    private const int MaxKindLength = 64;

    /// <summary>The completion as it is stored.</summary>
    /// <param name="completion">As the worker has it.</param>
    /// <param name="maxResultBytes">Of the result's shortest form as UTF-8.</param>
    public static TaskCompletion Storable(TaskCompletion completion, int maxResultBytes = MaxResultBytes)
    {
        if (completion.Outcome == TaskOutcome.Succeeded && completion.Result is { ValueKind: not JsonValueKind.Undefined } result
            && StorableJson.Check(result, maxResultBytes) is var fault and not JsonFault.None)
        {
            return Failed(completion, fault, maxResultBytes);
        }

        return completion with
        {
            Result = completion.Outcome == TaskOutcome.Succeeded && completion.Result is { ValueKind: not (JsonValueKind.Undefined or JsonValueKind.Null) } kept ? kept : null,
            ErrorKind = completion.ErrorKind is { Length: > 0 } kind ? Kind(kind) : null,
            Error = completion.Error is { } error ? StorableText.Of(error, MaxErrorLength) : null,
        };
    }

    private static TaskCompletion Failed(TaskCompletion completion, JsonFault fault, int maxResultBytes)
    {
        var reason = fault switch
        {
            JsonFault.Size => $"it takes more than {maxResultBytes} bytes",
            JsonFault.Depth => $"it is nested more than {StorableJson.MaxDepth} levels deep",
            JsonFault.Nul => "a text in it has the character NUL",
            JsonFault.Surrogate => "a text in it has half of a surrogate pair",
            JsonFault.Number => "a number in it is beyond the range of a double",
            _ => throw new ArgumentOutOfRangeException(nameof(fault), fault, "Unknown fault."),
        };
        return new TaskCompletion(
            completion.TaskId, completion.Fence, TaskOutcome.Failed, ErrorKind: $"result.{fault.ToString().ToLowerInvariant()}",
            Error: $"The task did its work, but its result cannot be stored: {reason}.");
    }

    // Kinds are compared with patterns and counted by name; names of exceptions come from users' code.
    private static string Kind(string kind)
        => string.Create(Math.Min(kind.Length, MaxKindLength), kind, static (target, source) =>
        {
            for (var i = 0; i < target.Length; i++)
            {
                target[i] = char.IsAsciiLetterOrDigit(source[i]) || source[i] is '.' or '_' or '-' ? source[i] : '_';
            }
        });
}
