using System.Text.Json;
using AiPlatform.FunctionsHost.Rpc;

namespace AiPlatform.FunctionsHost.App;

/// <summary>A function as the worker describes it.</summary>
/// <param name="Id">The worker's id of the function.</param>
/// <param name="Name">Its name.</param>
/// <param name="Trigger">What invokes it.</param>
internal sealed record FunctionDescription(string Id, string Name, FunctionTrigger Trigger)
{
    /// <summary>Reads the trigger among a function's bindings.</summary>
    /// <exception cref="InvalidOperationException">The function has no trigger, or one that this host does not serve.</exception>
    public static FunctionDescription Read(RpcFunctionMetadata metadata)
    {
        foreach (var text in metadata.RawBindings)
        {
            using var document = JsonDocument.Parse(text);
            var binding = document.RootElement;
            var type = Text(binding, "type");
            if (type?.EndsWith("Trigger", StringComparison.OrdinalIgnoreCase) == true)
            {
                return new FunctionDescription(metadata.FunctionId, metadata.Name, TriggerOf(metadata.Name, type, binding));
            }
        }

        throw new InvalidOperationException($"The function {metadata.Name} has no trigger.");
    }

    private static FunctionTrigger TriggerOf(string function, string type, JsonElement binding)
    {
        var name = Text(binding, "name") ?? string.Empty;
        if (type.Equals("httpTrigger", StringComparison.OrdinalIgnoreCase))
        {
            string[] methods = Property(binding, "methods") is { ValueKind: JsonValueKind.Array } given
                ? [.. given.EnumerateArray().Select(static method => method.GetString()!)]
                : [];
            return new HttpTrigger(name, Text(binding, "route") ?? function, methods);
        }

        return type.Equals("timerTrigger", StringComparison.OrdinalIgnoreCase)
            ? new TimerTrigger(
                name,
                Text(binding, "schedule") ?? throw new InvalidOperationException($"The timer of the function {function} has no schedule."),
                Flag(binding, "runOnStartup") ?? false,
                Flag(binding, "useMonitor") ?? true)
            : throw new InvalidOperationException($"The function {function} has a {type}: this host serves HTTP and timer triggers.");
    }

    // Names of properties are written in either case, depending on what made the metadata.
    private static JsonElement? Property(JsonElement binding, string name)
    {
        foreach (var property in binding.EnumerateObject())
        {
            if (property.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
            {
                return property.Value;
            }
        }

        return null;
    }

    private static string? Text(JsonElement binding, string name)
        => Property(binding, name) is { ValueKind: JsonValueKind.String } value ? value.GetString() : null;

    private static bool? Flag(JsonElement binding, string name) => Property(binding, name)?.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => null,
    };
}

/// <summary>What invokes a function.</summary>
/// <param name="Name">The binding's name, under which the worker expects the trigger's data.</param>
internal abstract record FunctionTrigger(string Name);

/// <summary>Requests of a route.</summary>
/// <param name="Route">The route below the app's prefix.</param>
/// <param name="Methods">The methods that it takes; none: every one.</param>
internal sealed record HttpTrigger(string Name, string Route, IReadOnlyList<string> Methods) : FunctionTrigger(Name);

/// <summary>A schedule.</summary>
/// <param name="Schedule">A cron expression of six or five fields, a time span, or <c>%SETTING%</c>.</param>
/// <param name="RunOnStartup">Whether it fires when the host starts, too.</param>
/// <param name="UseMonitor">Whether what was missed while no host ran is made up for.</param>
internal sealed record TimerTrigger(string Name, string Schedule, bool RunOnStartup, bool UseMonitor) : FunctionTrigger(Name);
