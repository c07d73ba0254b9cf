using AiPlatform.Hosting;
using AiPlatform.TaskHub.Payloads;
using AiPlatform.TaskHub.Storage;
using Grpc.Core;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Npgsql;

namespace AiPlatform.TaskHub.Engine;

/// <summary>Runs the engine, and takes and gives partitions so that the processes that live share them evenly.</summary>
internal sealed class EngineHost(
    IConfiguration configuration, IOptions<TaskHubOptions> options, IHostApplicationLifetime lifetime, IServer server, Peers peers, PayloadStore payloads,
    TimeProvider time, ILogger<EngineHost> logger)
    : BackgroundService, IHealthCheck
{
    private readonly string _connectionString = configuration.GetConnectionString("Postgres")
        ?? throw new MissingSettingException("ConnectionStrings:Postgres");

    // Unique, so that a process that starts again is not taken for the one it replaces.
    private readonly string _name = $"{Environment.MachineName}:{Environment.ProcessId}:{Guid.NewGuid():N}";

    private volatile HubEngine? _engine;
    private volatile Exception? _lastFault;
    private volatile bool _settled;

    /// <summary>The engine; null while there is none.</summary>
    public HubEngine? Engine => _engine;

    /// <summary>Why the last engine ended, when something had failed.</summary>
    public Exception? LastFault => _lastFault;

    /// <inheritdoc />
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        => Task.FromResult(_engine is not null && _settled && peers.IsComplete ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy("Partitions of the task hub have no owner."));

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await ListeningAsync(stoppingToken);
        var reads = new NpgsqlConnectionStringBuilder(_connectionString) { MaxPoolSize = 8, MaxAutoPrepare = 20, KeepAlive = 10, ApplicationName = "task hub reader" };
        await using var source = NpgsqlDataSource.Create(reads.ConnectionString);
        var failures = 0;
        var standingBy = false;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await HubSchema.MigrateAsync(_connectionString, stoppingToken);
                var reader = new HubReader(source);
                if (!payloads.IsEnabled && await reader.HasPayloadsAsync(stoppingToken))
                {
                    throw new InvalidOperationException("The task hub has payloads in Blob storage, but ConnectionStrings:Blob is not configured.");
                }

                if (await HubOwner.TryConnectAsync(_connectionString, _name, payloads.IsEnabled, stoppingToken) is { } owner)
                {
                    (failures, standingBy) = (0, false);
                    await RunAsync(owner, reader, stoppingToken);
                    continue;
                }

                if (!standingBy)
                {
                    Logs.StandingBy(logger);
                    standingBy = true;
                }

                await Task.Delay(options.Value.Heartbeat, time, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                failures++;
                Logs.DatabaseAway(logger, exception, failures);
                await Task.Delay(TimeSpan.FromMilliseconds(Random.Shared.Next(50, 100 * Math.Min(failures, 20))), time, CancellationToken.None);
            }
        }
    }

    /// <summary>The address is known when the server listens.</summary>
    private async Task ListeningAsync(CancellationToken cancellationToken)
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = lifetime.ApplicationStarted.Register(started.SetResult);
        await started.Task.WaitAsync(cancellationToken);
    }

    private async Task RunAsync(HubOwner owner, HubReader reader, CancellationToken stoppingToken)
    {
        await using var engine = new HubEngine(owner, reader, options.Value, time, logger);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        _engine = engine;
        await using var draining = lifetime.ApplicationStopping.Register(engine.Drain);
        var loops = new[]
        {
            ShareAsync(engine, reader, stop.Token), RepeatAsync(engine.Messages.ReceiveAsync, stop.Token), RepeatAsync(token => RingOthersAsync(engine, token), stop.Token),
            SweepAsync(engine, stop.Token),
        };
        try
        {
            var fault = await engine.Faulted.WaitAsync(stoppingToken);
            _lastFault = fault;
            Metrics.OwnershipLost.Inc();
            Logs.EngineFaulted(logger, fault);
        }
        finally
        {
            _settled = false;
            _engine = null;
            await stop.CancelAsync();
            await Task.WhenAll(loops);
        }
    }

    /// <summary>Says that this process lives, and takes or gives partitions until each process has its share.</summary>
    private async Task ShareAsync(HubEngine engine, HubReader reader, CancellationToken cancellationToken)
    {
        await RepeatAsync(
            async token =>
            {
                while (true)
                {
                    var membership = await reader.BeatAsync(_name, Address(), options.Value.ProcessLease, token);
                    peers.Update(membership, _name);
                    var share = (Partition.Count + membership.Processes.Count - 1) / membership.Processes.Count;
                    var owned = engine.Partitions.Owned.Length;
                    if (owned > share)
                    {
                        await engine.Loader.ReleaseAsync(owned - share, token);
                    }
                    else if (owned < share && membership.Free > 0)
                    {
                        await engine.Loader.AcquireAsync(share - owned, token);
                    }

                    if (engine.Partitions.Owned.Length != owned)
                    {
                        peers.Update(await reader.BeatAsync(_name, Address(), options.Value.ProcessLease, token), _name);
                    }

                    _settled = true;
                    await Task.Delay(options.Value.Heartbeat, time, token);
                }
            },
            cancellationToken);
        using var patience = new CancellationTokenSource(options.Value.Heartbeat);
        try
        {
            await reader.LeaveAsync(_name, patience.Token);
        }
        catch (Exception exception) when (exception is NpgsqlException or OperationCanceledException)
        {
            // The lease says it in time.
        }
    }

    /// <summary>Tells other processes, by a greeting, that there are messages to them. They look by themselves if this is lost.</summary>
    private async Task RingOthersAsync(HubEngine engine, CancellationToken cancellationToken)
    {
        while (true)
        {
            var sent = await engine.Partitions.SentAsync(cancellationToken);
            foreach (var address in sent.Select(peers.AddressOf).OfType<string>().Distinct(StringComparer.Ordinal))
            {
                await peers.At(address).HelloAsync(new(), Peers.Headers(options.Value.BearerToken), cancellationToken: cancellationToken);
            }
        }
    }

    private async Task SweepAsync(HubEngine engine, CancellationToken cancellationToken)
    {
        if (!payloads.IsEnabled)
        {
            return;
        }

        var sweep = new PayloadSweep(payloads, time, logger);
        while (!cancellationToken.IsCancellationRequested)
        {
            await Task.Delay(options.Value.PayloadSweep, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            try
            {
                await sweep.RunAsync(engine, options.Value.PayloadGrace, cancellationToken);
            }
            catch (Exception) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                Logs.PayloadSweepFailed(logger, exception);
            }
        }
    }

    private async Task RepeatAsync(Func<CancellationToken, Task> loop, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await loop(cancellationToken);
            }
            catch (Exception) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                Logs.DatabaseAway(logger, exception, 1);
                await Task.Delay(options.Value.Heartbeat, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private string Address()
    {
        if (options.Value.AdvertisedAddress is { } advertised)
        {
            return advertised.ToString();
        }

        // The gRPC endpoint is the first that the server listens on; behind "any address" others find this machine by its name.
        var listening = new Uri(server.Features.Get<IServerAddressesFeature>()!.Addresses.First().Replace("[::]", "0.0.0.0", StringComparison.Ordinal));
        return listening.Host == "0.0.0.0" ? $"http://{Environment.MachineName}:{listening.Port}" : listening.ToString();
    }
}
