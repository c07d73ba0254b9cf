using System.Net;
using AiPlatform.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace AiPlatform.FunctionsHost.Rpc;

/// <summary>
/// The server that workers call, on a free port of 127.0.0.1. It is apart from the one for HTTP: that one stops first and waits for its
/// requests, which need this one.
/// </summary>
internal sealed class RpcServer : IAsyncDisposable
{
    private readonly WebApplication _server;

    public RpcServer(ExpectedWorkers workers, WorkerLog log, ILoggerFactory loggers)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(static kestrel =>
        {
            kestrel.Limits.MaxConcurrentConnections = ConnectionLimit.PerServer;
            kestrel.Listen(IPAddress.Loopback, 0, static listen => listen.Protocols = HttpProtocols.Http2);

            // One call lasts as long as its worker.
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Limits.MinResponseDataRate = null;
        });
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton(loggers);
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.Services.AddSingleton(workers);
        builder.Services.AddSingleton(log);
        builder.Services.AddGrpc(static grpc =>
        {
            // What the protocol says of itself: --functions-grpc-max-message-length.
            grpc.MaxReceiveMessageSize = null;
            grpc.MaxSendMessageSize = null;
        });
        builder.Services.Configure<HostOptions>(static host => host.ShutdownTimeout = TimeSpan.FromSeconds(5));
        _server = builder.Build();
        _server.MapGrpcService<FunctionRpcService>();
    }

    /// <summary>Where workers call; known once the server has started.</summary>
    public Uri Address => new(_server.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

    /// <summary>Starts to listen.</summary>
    public Task StartAsync(CancellationToken cancellationToken) => _server.StartAsync(cancellationToken);

    /// <summary>Hangs up on every worker and stops.</summary>
    public Task StopAsync(CancellationToken cancellationToken) => _server.StopAsync(cancellationToken);

    /// <inheritdoc />
    public ValueTask DisposeAsync() => _server.DisposeAsync();
}
