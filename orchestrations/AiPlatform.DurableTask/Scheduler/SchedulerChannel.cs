using System.Reflection;
using Grpc.Core;
using Grpc.Net.Client;
using Grpc.Net.Client.Configuration;
using GrpcRetryPolicy = Grpc.Net.Client.Configuration.RetryPolicy;
using P = AiPlatform.DurableTask.Protobuf;

namespace AiPlatform.DurableTask.Scheduler;

/// <summary>A gRPC channel to a task hub that adds the headers which the managed scheduler asks for, and retries what is safe to retry.</summary>
internal sealed class SchedulerChannel : IDisposable
{
    // Unary calls of the protocol are idempotent, starts too: they carry an execution id that the hub recognises.
    private static readonly GrpcRetryPolicy Retries = new()
    {
        MaxAttempts = 10,
        InitialBackoff = TimeSpan.FromMilliseconds(50),
        MaxBackoff = TimeSpan.FromMilliseconds(250),
        BackoffMultiplier = 2,
        RetryableStatusCodes = { StatusCode.Unavailable },
    };

    private readonly GrpcChannel _channel;
    private readonly SchedulerCredential? _credential;

    public SchedulerChannel(DurableTaskSchedulerConnectionString connection, TimeProvider time, string? workerId = null)
    {
        Connection = connection;
        _credential = SchedulerCredential.Create(connection) is { } credential ? new SchedulerCredential(credential, connection.ResourceId, time) : null;
        var agent = $"aiplatform-durabletask/{Assembly.GetExecutingAssembly().GetName().Version?.ToString(3)}";
        var headers = CallCredentials.FromInterceptor(async (context, metadata) =>
        {
            metadata.Add("taskhub", connection.TaskHubName);
            metadata.Add("x-user-agent", agent);
            if (workerId is not null)
            {
                metadata.Add("workerid", workerId);
            }

            if (_credential is not null)
            {
                metadata.Add("Authorization", "Bearer " + await _credential.GetTokenAsync(context.CancellationToken).ConfigureAwait(false));
            }
        });
        var secure = connection.Endpoint.Scheme == Uri.UriSchemeHttps;
        _channel = GrpcChannel.ForAddress(connection.Endpoint, new GrpcChannelOptions
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
            ServiceConfig = new ServiceConfig { MethodConfigs = { new MethodConfig { Names = { MethodName.Default }, RetryPolicy = Retries } } },
        });
        Stub = new P.TaskHubSidecarService.TaskHubSidecarServiceClient(_channel);
        CompletionStub = new P.CompletionStream.CompletionStreamClient(_channel);
    }

    public DurableTaskSchedulerConnectionString Connection { get; }

    public P.TaskHubSidecarService.TaskHubSidecarServiceClient Stub { get; }

    /// <summary>What our hub offers beside the protocol.</summary>
    public P.CompletionStream.CompletionStreamClient CompletionStub { get; }

    public void Dispose()
    {
        _channel.Dispose();
        _credential?.Dispose();
    }
}
