using System.Reflection;
using Grpc.Core;
using Grpc.Net.Client;
using Grpc.Net.Client.Configuration;
using static Microsoft.DurableTask.Protobuf.TaskHubSidecarService;

namespace AiPlatform.Hosting.TaskHubs;

/// <summary>
/// A connection to a task hub, ours or Azure's Durable Task Scheduler, for the clients and workers of Microsoft.DurableTask: each call
/// says which hub it is for and carries a fresh token. Made once for a process.
/// </summary>
public sealed class TaskHubConnection : IDisposable
{
    // Every unary call of the protocol may be repeated: completions and starts are recognised by their tokens and ids.
    private static readonly RetryPolicy Retries = new()
    {
        MaxAttempts = 10,
        InitialBackoff = TimeSpan.FromMilliseconds(50),
        MaxBackoff = TimeSpan.FromMilliseconds(250),
        BackoffMultiplier = 2,
        RetryableStatusCodes = { StatusCode.Unavailable },
    };

    private static readonly string Agent = $"aiplatform/{Assembly.GetExecutingAssembly().GetName().Version?.ToString(3)}";

    private readonly TaskHubToken? _token;

    /// <param name="connectionString">See <see cref="TaskHubConnectionString"/>.</param>
    /// <param name="time">Tells when a token is old.</param>
    /// <param name="workerId">The name that a worker has in the hub; null for clients.</param>
    /// <exception cref="ArgumentException">The connection string is wrong.</exception>
    public TaskHubConnection(string connectionString, TimeProvider time, string? workerId = null)
    {
        TaskHubTraces.Propagate();
        Address = new TaskHubConnectionString(connectionString);
        _token = TaskHubToken.Create(Address) is { } credential ? new TaskHubToken(credential, Address.ResourceId, time) : null;
        var headers = CallCredentials.FromInterceptor(async (context, metadata) =>
        {
            metadata.Add("taskhub", Address.TaskHubName);
            metadata.Add("x-user-agent", Agent);
            if (workerId is not null)
            {
                metadata.Add("workerid", workerId);
            }

            if (_token is not null)
            {
                var token = await _token.GetAsync(context.CancellationToken).ConfigureAwait(false);
                metadata.Add("authorization", $"Bearer {token}");
            }
        });
        var secure = Address.Endpoint.Scheme == Uri.UriSchemeHttps;
        Channel = GrpcChannel.ForAddress(Address.Endpoint, new GrpcChannelOptions
        {
            Credentials = ChannelCredentials.Create(secure ? ChannelCredentials.SecureSsl : ChannelCredentials.Insecure, headers),
            UnsafeUseInsecureChannelCallCredentials = !secure,
            MaxRetryAttempts = Retries.MaxAttempts,
            MaxReceiveMessageSize = null,
            MaxSendMessageSize = null,
            DisposeHttpClient = true,
            HttpHandler = new SocketsHttpHandler
            {
                EnableMultipleHttp2Connections = true,
                KeepAlivePingDelay = TimeSpan.FromSeconds(15),
                KeepAlivePingTimeout = TimeSpan.FromSeconds(15),
                PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
            },
            ServiceConfig = new ServiceConfig
            {
                MethodConfigs = { new MethodConfig { Names = { MethodName.Default }, RetryPolicy = Retries } },
            },
        });
        Protocol = new TaskHubSidecarServiceClient(Channel);
    }

    /// <summary>Where the hub is.</summary>
    public TaskHubConnectionString Address { get; }

    /// <summary>For <c>UseGrpc</c> of clients and workers.</summary>
    public GrpcChannel Channel { get; }

    /// <summary>The protocol itself, for what the client does not show.</summary>
    public TaskHubSidecarServiceClient Protocol { get; }

    /// <summary>A name for a worker that no other has: machine, process, and a number of its own.</summary>
    public static string NewWorkerId() => $"{Environment.MachineName},{Environment.ProcessId},{Guid.NewGuid():N}";

    /// <inheritdoc />
    public void Dispose()
    {
        Channel.Dispose();
        _token?.Dispose();
    }
}
