using System.Globalization;
using AiPlatform.Local.Servers;

namespace AiPlatform.Local.Platform;

/// <summary>What the command line asks for.</summary>
/// <param name="Data">The data directory.</param>
/// <param name="Reset">Whether everything in it is removed first.</param>
/// <param name="Demo">Whether the quickstart runs when it has not succeeded before.</param>
/// <param name="ExitAfterDemo">Whether to end after the quickstart, with 0 only if it succeeded.</param>
/// <param name="Ports">Preferred ports by name.</param>
/// <param name="Dashboard">Whether the dashboard of traces is started too.</param>
/// <param name="Watch">Whether the functions app is built and started again when its sources change.</param>
internal sealed record LocalOptions(
    string Data, bool Reset = false, bool Demo = true, bool ExitAfterDemo = false, IReadOnlyDictionary<string, int>? Ports = null, bool Dashboard = false,
    bool Watch = false)
{
    /// <summary>What <c>--help</c> says; <c>infra/up</c> shows the same file before it builds anything.</summary>
    public static string Usage
    {
        get
        {
            using var reader = new StreamReader(typeof(LocalOptions).Assembly.GetManifestResourceStream("usage.txt")!);
            return reader.ReadToEnd().TrimEnd();
        }
    }

    /// <summary>
    /// Where the platform's processes send their traces, in OpenTelemetry's variables; empty: where those of this process's environment say, or
    /// nowhere. The dashboard stands for all of it.
    /// </summary>
    public IReadOnlyDictionary<string, string> Telemetry { get; init; } = new Dictionary<string, string>();

    /// <summary>Reads the arguments.</summary>
    /// <exception cref="ArgumentException">An argument is unknown or incomplete; the message names it.</exception>
    public static LocalOptions Parse(IReadOnlyList<string> arguments)
    {
        var options = new LocalOptions(Path.Combine(RepositoryFolders.Root, ".local"));
        for (var i = 0; i < arguments.Count; i++)
        {
            options = arguments[i] switch
            {
                "--data" => options with { Data = Value(arguments, ref i) },
                "--reset" => options with { Reset = true },
                "--no-demo" => options with { Demo = false },
                "--exit-after-demo" => options with { ExitAfterDemo = true },
                "--dashboard" => options with { Dashboard = true },
                "--watch" => options with { Watch = IsWatched(Value(arguments, ref i)) },
                "--ports" => options with { Ports = ParsePorts(Value(arguments, ref i)) },
                var unknown => throw new ArgumentException($"Unknown option {unknown}"),
            };
        }

        return options is { Watch: true, ExitAfterDemo: true } ? throw new ArgumentException("--watch and --exit-after-demo exclude each other")
            : options is { Demo: false, ExitAfterDemo: true } ? throw new ArgumentException("--no-demo and --exit-after-demo exclude each other")
            : options with { Data = Path.GetFullPath(options.Data) };
    }

    private static string Value(IReadOnlyList<string> arguments, ref int i)
        => i + 1 < arguments.Count && arguments[i + 1].Length > 0 && !arguments[i + 1].StartsWith("--", StringComparison.Ordinal)
            ? arguments[++i]
            : throw new ArgumentException($"{arguments[i]} needs a value");

    private static bool IsWatched(string part)
        => part == "functions" ? true : throw new ArgumentException($"--watch: {part} cannot be watched, only functions");

    private static Dictionary<string, int> ParsePorts(string text)
    {
        var ports = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var part in text.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            var pair = part.Split('=');
            if (pair.Length != 2 || !PlatformPorts.Names.Contains(pair[0])
                || !int.TryParse(pair[1], NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port is < 1 or > 65535)
            {
                throw new ArgumentException($"--ports: {part} is not NAME=PORT with a known name");
            }

            ports[pair[0]] = port;
        }

        return ports;
    }
}
