using AiPlatform.TaskHub.Storage;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Npgsql;

namespace AiPlatform.TaskHub.Engine;

/// <summary>Runs the engine while this process owns the hub, and waits for ownership while it does not.</summary>
internal sealed class EngineHost(
    IConfiguration configuration, IOptions<TaskHubOptions> options, IHostApplicationLifetime lifetime, TimeProvider time, ILogger<EngineHost> logger) : BackgroundService, IHealthCheck
{
    private readonly string _connectionString = configuration.GetConnectionString("Postgres")
        ?? throw new InvalidOperationException("ConnectionStrings:Postgres is not configured.");

    private volatile HubEngine? _engine;

    /// <summary>The engine; null while this process is not owner.</summary>
    public HubEngine? Engine => _engine;

    /// <inheritdoc />
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        => Task.FromResult(_engine is null ? HealthCheckResult.Unhealthy("Not the owner of the task hub.") : HealthCheckResult.Healthy());

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var reads = new NpgsqlConnectionStringBuilder(_connectionString) { MaxPoolSize = 8, MaxAutoPrepare = 20, KeepAlive = 10, ApplicationName = "task hub reader" };
        await using var source = NpgsqlDataSource.Create(reads.ConnectionString);
        var name = $"{Environment.MachineName}:{Environment.ProcessId}";
        var failures = 0;
        var standingBy = false;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await HubSchema.MigrateAsync(_connectionString, stoppingToken);
                var owner = await HubOwner.TryAcquireAsync(_connectionString, name, stoppingToken);
                failures = 0;
                if (owner is not null)
                {
                    standingBy = false;
                    await RunAsync(owner, new HubReader(source), stoppingToken);
                    continue;
                }

                if (!standingBy)
                {
                    Logs.StandingBy(logger);
                    standingBy = true;
                }

                await Task.Delay(options.Value.OwnershipRetry, time, stoppingToken);
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

    private async Task RunAsync(HubOwner owner, HubReader reader, CancellationToken stoppingToken)
    {
        await using var engine = await HubEngine.StartAsync(owner, reader, options.Value, time, logger, stoppingToken);
        _engine = engine;
        await using var draining = lifetime.ApplicationStopping.Register(engine.Drain);
        try
        {
            var fault = await engine.Faulted.WaitAsync(stoppingToken);
            Logs.EngineFaulted(logger, fault);
        }
        finally
        {
            _engine = null;
        }
    }
}
