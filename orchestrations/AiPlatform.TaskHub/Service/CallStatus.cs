using AiPlatform.TaskHub.Engine;
using AiPlatform.TaskHub.Payloads;
using AiPlatform.TaskHub.Storage;
using Grpc.Core;
using Npgsql;

namespace AiPlatform.TaskHub.Service;

/// <summary>The one place where exceptions become gRPC status codes.</summary>
internal sealed class CallStatus(EngineHost host, ILogger<CallStatus> logger)
{
    /// <summary>The status that a caller sees. What was not foreseen is logged here and hidden from the caller.</summary>
    public RpcException Of(Exception exception, ServerCallContext context)
    {
        switch (exception)
        {
            case RpcException known:
                return known;
            case InstanceExistsException:
                return New(StatusCode.AlreadyExists, exception);
            case KeyNotFoundException:
                return New(StatusCode.NotFound, exception);
            case StaleTokenException or InvalidOperationException:
                return New(StatusCode.FailedPrecondition, exception);
            case ArgumentException:
                return New(StatusCode.InvalidArgument, exception);
            case PostgresException { SqlState: ['2', '2', ..] }:
                // Class 22: what was sent has no place in a column, such as a text with the character NUL. Repeating it cannot help.
                return new RpcException(new Status(StatusCode.InvalidArgument, "A text or number of the request cannot be stored."));
            case NotSupportedException or NotImplementedException:
                return New(StatusCode.Unimplemented, exception);
            case HubDeletedException:
                return New(StatusCode.Aborted, exception);
            case NotOwnerException or PayloadStoreException:
                return New(StatusCode.Unavailable, exception);
            case OperationCanceledException when context.CancellationToken.IsCancellationRequested:
                return New(StatusCode.Cancelled, exception);
        }

        // What else fails while the engine goes or PostgreSQL is away is worth a retry, also when the next engine is there by now.
        var away = exception is OperationCanceledException or NpgsqlException or OwnershipLostException || host.Engine is null or { Faulted.IsCompleted: true } || exception == host.LastFault;
        if (!away)
        {
            Logs.CallFailed(logger, exception, context.Method);
        }

        return new RpcException(new Status(away ? StatusCode.Unavailable : StatusCode.Internal, away ? "The task hub is restarting." : "The call failed."));
    }

    private static RpcException New(StatusCode code, Exception exception) => new(new Status(code, exception.Message));
}
