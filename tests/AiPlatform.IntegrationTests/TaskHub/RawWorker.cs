using System.Collections.Concurrent;
using AiPlatform.TaskHub.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;

namespace AiPlatform.IntegrationTests.TaskHub;

/// <summary>A worker without an SDK: the tests decide what it answers to each work item.</summary>
internal sealed class RawWorker : IAsyncDisposable
{
    private readonly GrpcChannel _channel;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;

    private RawWorker(GrpcChannel channel, GetWorkItemsRequest request, Func<RawWorker, WorkItem, Task> answer)
    {
        _channel = channel;
        Stub = new(channel);
        _loop = Task.Run(() => ReceiveAsync(request, answer));
    }

    public TaskHubSidecarService.TaskHubSidecarServiceClient Stub { get; }

    public ConcurrentQueue<WorkItem> Received { get; } = new();

    public static TaskHubSidecarService.TaskHubSidecarServiceClient Client(int port) => new(Channel(port));

    /// <summary>A channel whose calls carry the key.</summary>
    public static GrpcChannel Channel(int port, string? key = HubHarness.AccessKey, string? hub = null) => GrpcChannel.ForAddress($"http://127.0.0.1:{port}", new()
    {
        UnsafeUseInsecureChannelCallCredentials = true,
        Credentials = ChannelCredentials.Create(ChannelCredentials.Insecure, CallCredentials.FromInterceptor((_, metadata) =>
        {
            if (key is not null)
            {
                metadata.Add("authorization", $"Bearer {key}");
            }

            if (hub is not null)
            {
                metadata.Add("taskhub", hub);
            }

            return Task.CompletedTask;
        })),
    });

    public static RawWorker Start(int port, Func<RawWorker, WorkItem, Task> answer, GetWorkItemsRequest? request = null)
        => new(Channel(port), request ?? new GetWorkItemsRequest(), answer);

    public async ValueTask DisposeAsync()
    {
        if (!_loop.IsCompleted)
        {
            await _stop.CancelAsync();
            await _loop;
            _channel.Dispose();
            _stop.Dispose();
        }
    }

    private async Task ReceiveAsync(GetWorkItemsRequest request, Func<RawWorker, WorkItem, Task> answer)
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                using var call = Stub.GetWorkItems(request, cancellationToken: _stop.Token);
                await foreach (var item in call.ResponseStream.ReadAllAsync(_stop.Token))
                {
                    Received.Enqueue(item);
                    await answer(this, item);
                }
            }
            catch (Exception exception) when (exception is RpcException or OperationCanceledException)
            {
                await Task.Delay(20, CancellationToken.None);
            }
        }
    }
}
