using System.Collections.Concurrent;
using AiPlatform.FunctionsHost;
using AiPlatform.FunctionsHost.Workers;
using AiPlatform.Local.Servers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace AiPlatform.IntegrationTests.FunctionsHost;

/// <summary>A Functions host in this process, with an app of any folder as its worker; remembers what the worker did and wrote.</summary>
internal sealed class HostInstance : IAsyncDisposable, IWorkerObserver
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private readonly ConcurrentQueue<string> _lines = new();
    private readonly ConcurrentQueue<int> _processes = new();
    private readonly ConcurrentQueue<string> _ends = new();
    private WebApplication _host = null!;
    private int _ready;

    private HostInstance()
    {
    }

    /// <summary>Where it takes HTTP.</summary>
    public Uri Address { get; private set; } = null!;

    /// <summary>What the worker wrote, and what the host logged.</summary>
    public IReadOnlyList<string> Lines => [.. _lines];

    /// <summary>The worker's process ids, one for each start.</summary>
    public IReadOnlyList<int> Processes => [.. _processes];

    /// <summary>How workers ended.</summary>
    public IReadOnlyList<string> Ends => [.. _ends];

    /// <summary>Everything, for the message of an assertion.</summary>
    public string Output => string.Join('\n', _lines);

    /// <summary>The folder that a project of the tests was built into, of the same configuration as these tests.</summary>
    public static string BuiltFolder(params string[] project)
    {
        var own = new DirectoryInfo(AppContext.BaseDirectory);
        return Path.Combine([RepositoryFolders.Root, .. project, "bin", own.Parent!.Name, own.Name]);
    }

    /// <summary>Starts a host; without <paramref name="waitUntilReady"/> its worker may not be there yet.</summary>
    public static async Task<HostInstance> StartAsync(string folder, Action<FunctionsHostOptions>? configure = null, bool waitUntilReady = true)
    {
        var instance = new HostInstance();
        instance._host = FunctionsHostApp.Build([], new FunctionsHostEmbedding(
            options =>
            {
                options.AppDirectory = folder;
                options.HttpPort = 0;
                options.Environment["Logging__LogLevel__Default"] = "Warning";
                configure?.Invoke(options);
            },
            instance,
            logging => logging.AddProvider(new Recorder(instance._lines))));
        await instance._host.StartAsync();
        instance.Address = new Uri(instance._host.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        if (waitUntilReady)
        {
            await instance.UntilAsync(() => instance._ready > 0, "the worker is ready");
        }

        return instance;
    }

    /// <summary>A client of the host.</summary>
    public HttpClient CreateClient() => new() { BaseAddress = Address, Timeout = TimeSpan.FromSeconds(60) };

    /// <summary>Waits until something is so.</summary>
    public async Task UntilAsync(Func<bool> isSo, string what, TimeSpan? deadline = null)
    {
        try
        {
            await Eventually.TrueAsync(() => Task.FromResult(isSo()), what, deadline ?? Deadline);
        }
        catch (TimeoutException exception)
        {
            throw new TimeoutException($"{exception.Message}\n{Output}", exception);
        }
    }

    /// <summary>How many lines begin so.</summary>
    public int Count(string beginning) => _lines.Count(line => line.StartsWith(beginning, StringComparison.Ordinal));

    /// <summary>Stops the host as a signal would.</summary>
    public Task StopAsync() => _host.StopAsync();

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        await _host.DisposeAsync();
    }

    void IWorkerObserver.Started(int processId) => _processes.Enqueue(processId);

    void IWorkerObserver.Ready() => Interlocked.Increment(ref _ready);

    void IWorkerObserver.Ended(string reason, TimeSpan restartIn) => _ends.Enqueue(reason);

    void IWorkerObserver.Wrote(string line) => _lines.Enqueue(line);

    private sealed class Recorder(ConcurrentQueue<string> lines) : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull
            => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
            => lines.Enqueue($"{logLevel}: {formatter(state, exception)} {exception}");

        public void Dispose()
        {
            // The queue is the instance's.
        }
    }
}
