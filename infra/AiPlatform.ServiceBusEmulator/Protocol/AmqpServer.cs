using AiPlatform.ServiceBusEmulator.Configuration;
using AiPlatform.ServiceBusEmulator.Queues;
using Amqp.Listener;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Npgsql;

namespace AiPlatform.ServiceBusEmulator.Protocol;

/// <summary>Serves AMQP once the broker owns its queues.</summary>
internal sealed partial class AmqpServer(
    Broker broker,
    IOptions<ServiceBusOptions> options,
    TokenValidator tokens,
    Storage.MessageWriter writer,
    WebSocketConnections webSockets,
    BrokerMetrics metrics,
    TimeProvider time,
    ILogger<AmqpServer> logger) : BackgroundService, IHealthCheck
{
    /// <summary>The largest frame that is taken, in bytes.</summary>
    internal const int MaxFrameSize = 64 * 1024;
    private const int MaxLinksPerSession = 256;
    private const int IdleTimeoutMs = 120_000;

    private static readonly TimeSpan MetricsInterval = TimeSpan.FromSeconds(2);

    private readonly ConnectionCounter _connections = new(Math.Max(1, options.Value.MaxStrangers));
    private BrokerContainer? _container;

    /// <inheritdoc />
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        => Task.FromResult(_container is not null && writer.IsConnected
            ? HealthCheckResult.Healthy()
            : HealthCheckResult.Unhealthy(_container is null ? "The broker does not own its queues yet." : "PostgreSQL is away."));

    /// <inheritdoc />
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        _container?.Close();
    }

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await StartBrokerAsync(stoppingToken);
            var settings = options.Value;
            _container = Open(settings);
            LogListening(settings.AmqpAddress, settings.AmqpPort, broker.Catalog.Entities.Count());
            using var timer = new PeriodicTimer(MetricsInterval, time);
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                foreach (var part in broker.Catalog.Queues.SelectMany(static queue => queue.Parts))
                {
                    part.ReportDepth();
                }

                metrics.SetConnections(_connections.Open);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The host stops.
        }
    }

    private async Task StartBrokerAsync(CancellationToken stoppingToken)
    {
        for (var failures = 0; ; failures++)
        {
            try
            {
                await broker.StartAsync(stoppingToken);
                return;
            }
            catch (Exception exception) when (exception is NpgsqlException or IOException or TimeoutException or System.Net.Sockets.SocketException)
            {
                LogStartRepeated(exception, failures + 1);
                var ceiling = Math.Min(5_000, 100 * Math.Pow(2, Math.Min(failures, 10)));
                await Task.Delay(TimeSpan.FromMilliseconds(ceiling * (0.5 + (Random.Shared.NextDouble() / 2))), time, stoppingToken);
            }
        }
    }

    private BrokerContainer Open(ServiceBusOptions settings)
    {
        List<string> addresses = [$"amqp://{settings.AmqpAddress}:{settings.AmqpPort}", $"{WebSocketConnections.Scheme}://{settings.AmqpAddress}:{settings.AmqpPort}"];
        if (settings.AmqpsPort > 0)
        {
            addresses.Add($"amqps://{settings.AmqpAddress}:{settings.AmqpsPort}");
        }

        var container = new BrokerContainer(addresses, new ConnectionHandler(_connections.Strangers));
        container.CustomTransports.Add(WebSocketConnections.Scheme, webSockets);
        foreach (var listener in container.Listeners)
        {
            if (listener.Address.UseSsl)
            {
                listener.SSL.Certificate = TlsCertificate.Load(settings.TlsDirectory, time.GetUtcNow());
            }

            listener.TCP.NoDelay = true;
            listener.AMQP.MaxFrameSize = MaxFrameSize;
            listener.AMQP.MaxLinksPerSession = MaxLinksPerSession;
            listener.AMQP.IdleTimeout = IdleTimeoutMs;
            foreach (var mechanism in (string[])["MSSBCBS", "ANONYMOUS", "EXTERNAL"])
            {
                listener.SASL.EnableMechanism(mechanism, new OpenSaslProfile(mechanism, _connections));
            }

            listener.SASL.EnableMechanism("PLAIN", new PlainSaslProfile(tokens.Sas, _connections));
        }

        container.RegisterLinkProcessor(new LinkRouter(broker, settings, tokens, time, logger));
        container.Open();
        return container;
    }

    [LoggerMessage(30, LogLevel.Information, "AMQP is served on {Address}:{Port} for {Entities} entities")]
    private partial void LogListening(string address, int port, int entities);

    [LoggerMessage(31, LogLevel.Warning, "The broker could not start ({Failures} in a row); it tries again")]
    private partial void LogStartRepeated(Exception exception, int failures);
}
