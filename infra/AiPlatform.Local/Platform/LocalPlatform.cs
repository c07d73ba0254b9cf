using System.Collections.Concurrent;
using System.Diagnostics;
using AiPlatform.Local.Processes;
using AiPlatform.Local.Servers;
using AiPlatform.Local.Watching;

namespace AiPlatform.Local.Platform;

/// <summary>The whole platform on one machine: servers, services and workers.</summary>
internal sealed class LocalPlatform : IAsyncDisposable
{
    private const string EndpointsFile = "endpoints.json";

    private readonly DataDirectory _data;
    private readonly IPlatformProgress _progress;
    private readonly ProcessRegister _register;
    private readonly ConcurrentStack<IPart> _running = new();
    private readonly Lock _publishing = new();
    private GarnetServer? _redis;
    private PlatformPorts? _ports;
    private PlatformServices _services = null!;
    private PostgresServer _postgres = null!;
    private AzuriteServer _blob = null!;
    private DashboardServer? _dashboard;
    private bool _ready;

    private LocalPlatform(DataDirectory data, IPlatformProgress progress)
    {
        _data = data;
        _progress = progress;
        _register = new ProcessRegister(data.In("processes.json"));
    }

    /// <summary>How to reach everything.</summary>
    public PlatformEndpoints Endpoints => new(
        _services.ApiUrl,
        _services.FunctionsHostUrl,
        _services.TaskHub,
        _services.ServiceBus,
        _services.ServiceBusAdministration,
        _services.ServiceBusCertificate,
        _blob.ConnectionString,
        _postgres.ConnectionString("aiplatform"),
        _postgres.DataDirectory,
        _redis!.ConnectionString,
        _services.MetricsToken,
        _services.Administrator,
        _running.Where(part => part.Identity is not null).ToDictionary(part => part.Name, part => part.Identity!.Id),
        _dashboard?.Link);

    /// <summary>Whether this start made the administrator's password.</summary>
    public bool IsFirstStart { get; private set; }

    /// <summary>A file or folder in the data directory.</summary>
    public string DataFile(string name) => _data.In(name);

    /// <summary>Starts everything and returns when every part is ready; what was started is stopped when that fails.</summary>
    /// <exception cref="InvalidOperationException">Something is missing or did not start; the message says what and where to look.</exception>
    public static async Task<LocalPlatform> StartAsync(LocalOptions options, IPlatformProgress progress, CancellationToken cancellationToken)
    {
        var platform = new LocalPlatform(DataDirectory.Open(options.Data, options.Reset), progress);
        try
        {
            await platform.StartPartsAsync(options, cancellationToken).ConfigureAwait(false);
            return platform;
        }
        catch
        {
            await platform.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Stops everything, the newest part first: who needs a server stops before it.</summary>
    public async ValueTask DisposeAsync()
    {
        File.Delete(_data.In(EndpointsFile));
        var parts = new List<IPart>();
        while (_running.TryPop(out var part))
        {
            parts.Add(part);
        }

        await Task.WhenAll(parts.Select(part => part.ReleaseAsync())).ConfigureAwait(false);
        var servers = parts.Where(part => part.Name is "postgres" or "blob").ToList();
        await Task.WhenAll(parts.Except(servers).Select(part => part.DisposeAsync().AsTask())).ConfigureAwait(false);
        await Task.WhenAll(servers.Select(part => part.DisposeAsync().AsTask())).ConfigureAwait(false);
        _redis?.Dispose();
        _ports?.Dispose();
        _data.Dispose();
    }

    private async Task StartPartsAsync(LocalOptions options, CancellationToken cancellationToken)
    {
        File.Delete(_data.In(EndpointsFile));
        IsFirstStart = !File.Exists(_data.In("secrets.json"));
        var secrets = PlatformSecrets.LoadOrCreate(_data.In("secrets.json"));
        var ports = _ports = new PlatformPorts(options.Ports, _data.In("ports.json"));
        foreach (var replaced in ports.Replaced)
        {
            _progress.Report($"! A port is in use; another is taken, also for the next start: {replaced}");
        }

        var postgresRoot = await _data.RootForAsync(PostgresServer.ServiceAccount, cancellationToken).ConfigureAwait(false);
        _postgres = new PostgresServer(Path.Combine(postgresRoot, "postgres"), ports[PlatformPorts.Postgres], secrets.Postgres, Path.Combine(_data.Logs, "postgres.log"));
        _blob = new AzuriteServer(_data.In("blob"), ports[PlatformPorts.Blob], Path.Combine(_data.Logs, "blob.log"), secrets.BlobKey);

        var blob = StartAsync(_blob, cancellationToken);
        var redis = Task.Run(() => _redis = GarnetServer.Start(ports[PlatformPorts.Redis], secrets.Redis), cancellationToken);
        await StartAsync(_postgres, cancellationToken).ConfigureAwait(false);
        await redis.ConfigureAwait(false);
        var jobs = await JobAccount.PrepareAsync(_data, cancellationToken).ConfigureAwait(false);
        if (options.Dashboard)
        {
            _dashboard = new DashboardServer(DashboardServer.Folder, ports[PlatformPorts.Dashboard], ports.Add("dashboardOtlp"), Path.Combine(_data.Logs, "dashboard.log"));
            await StartAsync(_dashboard, cancellationToken).ConfigureAwait(false);
        }

        _services = new PlatformServices(
            _data, ports, secrets, _postgres, _blob, _redis!.ConnectionString, jobs, _dashboard?.Telemetry ?? options.Telemetry);
        var functions = StartAsync(Functions(options.Watch), cancellationToken);
        await Task.WhenAll([blob, functions, .. _services.Foundation.Select(service => StartAsync(service, cancellationToken))]).ConfigureAwait(false);
        await Task.WhenAll(_services.Workers.Select(service => StartAsync(service, cancellationToken))).ConfigureAwait(false);
        _ready = true;
        Publish();
    }

    private IPart Functions(bool watch)
    {
        const string project = "AiPlatform.Functions";
        return watch
            ? new WatchedFunctions(
                folder => _services.Functions(Publish, _progress.Report, folder),
                new SourceWatch($"functions/{project}", Path.Combine(_data.Logs, "watch.log"), _progress.Report),
                _data.In($"watched-{project}"),
                _progress.Report)
            : _services.Functions(Publish, _progress.Report);
    }

    private Task StartAsync(ISupervised server, CancellationToken cancellationToken)
        => StartAsync(new Supervisor(server, TimeProvider.System, Publish, _progress.Report), cancellationToken);

    private async Task StartAsync(IPart part, CancellationToken cancellationToken)
    {
        _running.Push(part);
        var started = Stopwatch.StartNew();
        await part.StartAsync(cancellationToken).ConfigureAwait(false);
        _progress.PartIsReady(part.Name, started.Elapsed);
    }

    // After each start of a process: the register for the next launcher, and once ready the file for tools.
    private void Publish()
    {
        lock (_publishing)
        {
            _register.Write(_running.Select(part => part.Identity).OfType<ProcessIdentity>());
            if (_ready && !_running.IsEmpty)
            {
                PrivateFile.Write(_data.In(EndpointsFile), Endpoints);
            }
        }
    }
}
