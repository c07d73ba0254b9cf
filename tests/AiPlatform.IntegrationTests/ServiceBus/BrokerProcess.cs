using System.Diagnostics;
using AiPlatform.Hosting;

namespace AiPlatform.IntegrationTests.ServiceBus;

/// <summary>A broker in a process of its own, to be killed.</summary>
public sealed class BrokerProcess : IAsyncDisposable
{
    private readonly Dictionary<string, string> _settings;
    private readonly int _httpPort = TcpPorts.Free();
    private Process? _process;

    private BrokerProcess(string postgres, IReadOnlyDictionary<string, string>? settings)
    {
        Port = TcpPorts.Free();
        _settings = BrokerInstance.Settings(postgres, Port);
        _settings["urls"] = $"http://127.0.0.1:{_httpPort}";
        _settings["Logging:LogLevel:Default"] = "None";
        foreach (var (name, value) in settings ?? new Dictionary<string, string>())
        {
            _settings[name] = value;
        }
    }

    public int Port { get; }

    public static async Task<BrokerProcess> StartAsync(string postgres, IReadOnlyDictionary<string, string>? settings = null)
    {
        var broker = new BrokerProcess(postgres, settings);
        await broker.StartAsync();
        return broker;
    }

    public async Task StartAsync()
    {
        var start = new ProcessStartInfo("dotnet");
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "AiPlatform.ServiceBusEmulator.dll"));
        foreach (var (name, value) in _settings)
        {
            start.ArgumentList.Add($"--{name}={value}");
        }

        _process = Process.Start(start)!;
        using var http = new HttpClient();
        await Eventually.TrueAsync(
            async () => (await http.GetAsync($"http://127.0.0.1:{_httpPort}/health/ready")).IsSuccessStatusCode, "the broker process is ready", TimeSpan.FromMinutes(3));
    }

    /// <summary>SIGKILL, then the end of the process.</summary>
    public async Task KillAsync()
    {
        _process!.Kill();
        await _process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is { HasExited: false })
        {
            await KillAsync();
        }

        _process?.Dispose();
    }
}
