using AiPlatform.ServiceBusEmulator.Queues;
using Amqp.Framing;
using Amqp.Types;
using Outcome = AiPlatform.ServiceBusEmulator.Queues.Outcome;

namespace AiPlatform.ServiceBusEmulator.Protocol;

/// <summary>Reads what clients say with an outcome. Some SDKs send string keys where the specification has symbols.</summary>
internal static class Dispositions
{
    private const string Reason = "DeadLetterReason";
    private const string Description = "DeadLetterErrorDescription";

    internal static Dictionary<string, object>? Properties(Map? map)
    {
        if (map is null || map.Count == 0)
        {
            return null;
        }

        var result = new Dictionary<string, object>();
        foreach (var (key, value) in (Dictionary<object, object>)map)
        {
            result[Text(key)] = value;
        }

        return result;
    }

    private static (string? Reason, string? Description, Dictionary<string, object>? Properties) DeadLetter(Error? error)
    {
        var properties = Properties(error?.Info);
        string? reason = null;
        string? description = null;
        if (properties is not null)
        {
            reason = properties.Remove(Reason, out var value) ? value as string : null;
            description = properties.Remove(Description, out value) ? value as string : null;
        }

        return (reason, description ?? (reason is null ? error?.Description : null), properties);
    }

    /// <summary>What a delivery state says about a message; null for states that are no outcome here.</summary>
    internal static Outcome? Outcome(DeliveryState? state)
    {
        switch (state)
        {
            case Accepted:
                return Queues.Outcome.Completed;
            case Modified modified:
                return new Outcome(modified.UndeliverableHere ? OutcomeKind.Defer : OutcomeKind.Abandon, Properties(modified.MessageAnnotations));
            case Rejected rejected:
                var (reason, description, properties) = DeadLetter(rejected.Error);
                return new Outcome(OutcomeKind.DeadLetter, properties, reason, description);
            default:
                return null;
        }
    }

    internal static string Text(object key) => key switch
    {
        Symbol symbol => (string)symbol,
        _ => key.ToString() ?? string.Empty,
    };
}
