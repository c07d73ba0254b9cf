using AiPlatform.Local.Servers;

namespace AiPlatform.Local.Platform;

/// <summary>
/// The TCP ports of one start of the platform, all on 127.0.0.1, kept from other platforms of the machine until disposal:
/// also while a server that was killed starts again. A data directory remembers them, so that the platform is found where it was.
/// </summary>
internal sealed class PlatformPorts : IDisposable
{
    public const string Api = "api";
    public const string FunctionsHost = "functionsHost";
    public const string TaskHub = "taskHub";
    public const string TaskHubHttp = "taskHubHttp";
    public const string ServiceBus = "serviceBus";
    public const string ServiceBusHttp = "serviceBusHttp";
    public const string ServiceBusHttps = "serviceBusHttps";
    public const string Blob = "blob";
    public const string Postgres = "postgres";
    public const string Redis = "redis";
    public const string Dashboard = "dashboard";

    /// <summary>What a port is when nobody asks for another, by name.</summary>
    public static IReadOnlyDictionary<string, int> Defaults { get; } = new Dictionary<string, int>(StringComparer.Ordinal)
    {
        [Api] = 8080,
        [FunctionsHost] = 7071,
        [TaskHub] = 8081,
        [TaskHubHttp] = 8082,
        [ServiceBus] = 5672,
        [ServiceBusHttp] = 5300,
        [ServiceBusHttps] = 5301,
        [Blob] = 10000,
        [Postgres] = 5433,
        [Redis] = 6380,
        [Dashboard] = 18888,
    };

    private readonly Dictionary<string, PortReservation> _ports = new(StringComparer.Ordinal);

    /// <param name="preferred">Ports by name; those of the last start, then the defaults, stand for the rest. A port that is taken is replaced by a free one.</param>
    /// <param name="file">Where the ports of the last start are, and these will be; null: nowhere.</param>
    public PlatformPorts(IReadOnlyDictionary<string, int>? preferred, string? file = null)
    {
        var last = file is null ? null : PrivateFile.Read<Dictionary<string, int>>(file);
        var replaced = new List<string>();
        foreach (var (name, standard) in Defaults)
        {
            var wanted = preferred?.TryGetValue(name, out var asked) == true ? asked : last?.TryGetValue(name, out var kept) == true ? kept : standard;
            _ports[name] = PortReservation.Take(wanted);
            if (_ports[name].Port != wanted)
            {
                replaced.Add($"{name} {wanted} → {_ports[name].Port}");
            }
        }

        Replaced = replaced;
        if (file is not null)
        {
            PrivateFile.Write(file, _ports.ToDictionary(static port => port.Key, static port => port.Value.Port));
        }
    }

    /// <summary>The ports that were taken, each with what stands for it.</summary>
    public IReadOnlyList<string> Replaced { get; }

    /// <summary>The names that can be configured.</summary>
    public static IReadOnlyCollection<string> Names => [.. Defaults.Keys];

    /// <summary>All that are kept now.</summary>
    public IReadOnlyCollection<int> All => [.. _ports.Values.Select(static port => port.Port)];

    public int this[string name] => _ports[name].Port;

    /// <summary>Another free port, for a process that nobody connects to but the launcher.</summary>
    public int Add(string name)
    {
        var reservation = PortReservation.TakeAny();
        _ports[name] = reservation;
        return reservation.Port;
    }

    public void Dispose()
    {
        foreach (var reservation in _ports.Values)
        {
            reservation.Dispose();
        }
    }
}
