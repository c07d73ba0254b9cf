using Grpc.Core;

namespace AiPlatform.FunctionsHost.Rpc;

/// <summary>Takes the calls of workers.</summary>
internal sealed class FunctionRpcService(ExpectedWorkers workers, WorkerLog log, IHostApplicationLifetime server) : FunctionRpc.FunctionRpcBase
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <inheritdoc />
    public override async Task EventStream(
        IAsyncStreamReader<StreamingMessage> requestStream, IServerStreamWriter<StreamingMessage> responseStream, ServerCallContext context)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, server.ApplicationStopping);
        using var channel = new WorkerChannel(log.Write);
        if (await FirstAsync(requestStream, end.Token) is not { StartStream: { WorkerId: { Length: > 0 } id } } || !workers.TryAccept(id, channel))
        {
            throw new Grpc.Core.RpcException(new Status(StatusCode.PermissionDenied, "This worker was not started by this host."));
        }

        await channel.RunAsync(requestStream, responseStream, end.Token);
    }

    private static async Task<StreamingMessage?> FirstAsync(IAsyncStreamReader<StreamingMessage> stream, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Patience);
        return await stream.MoveNext(limit.Token) ? stream.Current : null;
    }
}
