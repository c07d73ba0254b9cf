using System.Security.Cryptography;
using AiPlatform.Local.Processes;

namespace AiPlatform.Local.Servers;

/// <summary>
/// The Aspire dashboard as a child process on 127.0.0.1. It keeps traces in memory only. Job code shares the network of this machine: whoever
/// looks needs the link, and whoever sends needs the key; both are new at each start.
/// </summary>
internal sealed class DashboardServer : ISupervised
{
    private const string Program = "Aspire.Dashboard";
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);

    private readonly string _folder;
    private readonly string _url;
    private readonly string _otlp;
    private readonly BoundedLog _log;
    private readonly string _token = NewSecret();
    private readonly string _key = NewSecret();
    private ChildProcess? _process;

    /// <param name="folder">Where the program is.</param>
    /// <param name="port">For browsers.</param>
    /// <param name="otlpPort">For traces, OTLP over gRPC.</param>
    /// <param name="logFile">Where its output goes.</param>
    public DashboardServer(string folder, int port, int otlpPort, string logFile)
    {
        (_folder, _url, _otlp) = (folder, $"http://127.0.0.1:{port}", $"http://127.0.0.1:{otlpPort}");
        _log = new BoundedLog(logFile);
    }

    /// <summary>Where <c>infra/up --dashboard</c> puts the program.</summary>
    public static string Folder => Path.Combine(RepositoryFolders.Root, ".artifacts", "dashboard");

    /// <summary>Logs a browser in.</summary>
    public string Link => $"{_url}/login?t={_token}";

    /// <summary>What a process of the platform needs to send its traces here.</summary>
    public IReadOnlyDictionary<string, string> Telemetry => new Dictionary<string, string>
    {
        ["OTEL_EXPORTER_OTLP_ENDPOINT"] = _otlp,
        ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "grpc",
        ["OTEL_EXPORTER_OTLP_HEADERS"] = $"x-otlp-api-key={_key}",
    };

    /// <inheritdoc />
    public string Name => "dashboard";

    /// <inheritdoc />
    public ProcessIdentity? Identity => _process is { HasExited: false } process ? process.Identity : null;

    /// <inheritdoc />
    /// <exception cref="InvalidOperationException">The program is missing, or did not start.</exception>
    public async Task RestartAsync(CancellationToken cancellationToken)
    {
        await StopAsync().ConfigureAwait(false);
        var program = Path.Combine(_folder, Program);
        if (!File.Exists(program))
        {
            throw new InvalidOperationException("The dashboard is not installed. Start the platform with infra/up --dashboard.");
        }

        var command = new ChildCommand(program, [])
        {
            WorkingDirectory = _folder,
            OnlyThisEnvironment = true,
            Environment = new Dictionary<string, string>
            {
                ["ASPNETCORE_URLS"] = _url,
                ["ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL"] = _otlp,
                ["Dashboard__Frontend__AuthMode"] = "BrowserToken",
                ["Dashboard__Frontend__BrowserToken"] = _token,
                ["Dashboard__Otlp__AuthMode"] = "ApiKey",
                ["Dashboard__Otlp__PrimaryApiKey"] = _key,

                // It logs the link, which is nobody's who may read logs.
                ["Logging__LogLevel__Default"] = "Warning",
            },
        };
        _process = await ChildProcess.StartAsync(command, _log, cancellationToken).ConfigureAwait(false);
        await Readiness.WaitForHttpAsync(Name, new Uri($"{_url}/health"), _process, StartLimit, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public Task WaitForExitAsync(CancellationToken cancellationToken) => _process?.WaitForExitAsync(cancellationToken) ?? Task.CompletedTask;

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await StopAsync().ConfigureAwait(false);
        _log.Dispose();
    }

    private static string NewSecret() => RandomNumberGenerator.GetHexString(32, lowercase: true);

    private async Task StopAsync()
    {
        if (_process is { } process)
        {
            await process.StopAsync(TimeSpan.FromSeconds(5)).ConfigureAwait(false);
            process.Dispose();
            _process = null;
        }
    }
}
