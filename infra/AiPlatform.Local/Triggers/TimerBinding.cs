using System.Text.Json;

namespace AiPlatform.Local.Triggers;

/// <summary>The timer of one function, as its function.json says.</summary>
/// <param name="Function">The folder's name: the function's name and its route.</param>
/// <param name="Name">The binding's name: the key in the invocation's data.</param>
/// <param name="Schedule">Six fields: seconds first.</param>
internal sealed record TimerBinding(string Function, string Name, string Schedule)
{
    /// <summary>Reads every function.json below a folder; HTTP triggers are the proxy's and are left out.</summary>
    /// <param name="folder">Holds one folder for each function.</param>
    /// <param name="settings">App settings, for <c>%NAME%</c>.</param>
    /// <exception cref="InvalidOperationException">A trigger is of a type that is not served, or names a setting that is missing.</exception>
    public static IReadOnlyList<TimerBinding> ReadAll(string folder, IReadOnlyDictionary<string, string> settings)
        => [.. Directory.EnumerateFiles(folder, "function.json", SearchOption.AllDirectories).Order(StringComparer.Ordinal).SelectMany(file => Read(file, settings))];

    private static List<TimerBinding> Read(string file, IReadOnlyDictionary<string, string> settings)
    {
        var function = Path.GetFileName(Path.GetDirectoryName(file)!);
        using var document = JsonDocument.Parse(File.ReadAllText(file));
        var triggers = new List<TimerBinding>();
        foreach (var binding in document.RootElement.GetProperty("bindings").EnumerateArray())
        {
            var type = Text(binding, "type");
            if (!type.EndsWith("Trigger", StringComparison.Ordinal) || type == "httpTrigger")
            {
                continue;
            }

            triggers.Add(type switch
            {
                "timerTrigger" => new TimerBinding(function, Text(binding, "name"), Resolve(Text(binding, "schedule"), settings)),
                _ => throw new InvalidOperationException($"{file}: the trigger type {type} is not served locally."),
            });
        }

        return triggers;
    }

    private static string Text(JsonElement binding, string property)
        => binding.GetProperty(property).GetString() ?? throw new InvalidOperationException($"{property} is null.");

    private static string Resolve(string value, IReadOnlyDictionary<string, string> settings)
        => value.Length > 2 && value[0] == '%' && value[^1] == '%'
            ? settings.TryGetValue(value[1..^1], out var setting) ? setting : throw new InvalidOperationException($"The app setting {value} is missing.")
            : value;
}
