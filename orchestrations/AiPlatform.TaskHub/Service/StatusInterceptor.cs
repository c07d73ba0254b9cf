using System.Security.Cryptography;
using System.Text;
using AiPlatform.TaskHub.Engine;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.Extensions.Options;

namespace AiPlatform.TaskHub.Service;

/// <summary>The one place where exceptions become gRPC status codes, and where the bearer token is checked.</summary>
internal sealed class StatusInterceptor(IOptions<TaskHubOptions> options, EngineHost host, ILogger<StatusInterceptor> logger) : Interceptor
{
    private readonly byte[]? _expected = options.Value.BearerToken is { Length: > 0 } token ? Encoding.UTF8.GetBytes("Bearer " + token) : null;

    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        try
        {
            Authorize(context);
            return await continuation(request, context);
        }
        catch (Exception exception)
        {
            throw Translate(exception, context);
        }
    }

    public override async Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, ServerStreamingServerMethod<TRequest, TResponse> continuation)
    {
        try
        {
            Authorize(context);
            await continuation(request, responseStream, context);
        }
        catch (Exception exception)
        {
            throw Translate(exception, context);
        }
    }

    private void Authorize(ServerCallContext context)
    {
        if (_expected is not null
            && !CryptographicOperations.FixedTimeEquals(_expected, Encoding.UTF8.GetBytes(context.RequestHeaders.GetValue("authorization") ?? string.Empty)))
        {
            throw new RpcException(new Status(StatusCode.Unauthenticated, "The bearer token is missing or wrong."));
        }
    }

    private RpcException Translate(Exception exception, ServerCallContext context)
    {
        switch (exception)
        {
            case RpcException status:
                return status;
            case InstanceExistsException:
                return New(StatusCode.AlreadyExists, exception);
            case KeyNotFoundException:
                return New(StatusCode.NotFound, exception);
            case StaleTokenException or InvalidOperationException:
                return New(StatusCode.FailedPrecondition, exception);
            case ArgumentException:
                return New(StatusCode.InvalidArgument, exception);
            case NotSupportedException or NotImplementedException:
                return New(StatusCode.Unimplemented, exception);
            case NotOwnerException:
                return New(StatusCode.Unavailable, exception);
            case OperationCanceledException when context.CancellationToken.IsCancellationRequested:
                return New(StatusCode.Cancelled, exception);
        }

        // What else fails while the engine goes or PostgreSQL is away is worth a retry.
        var away = exception is OperationCanceledException or Npgsql.NpgsqlException || host.Engine is null or { Faulted.IsCompleted: true };
        if (!away)
        {
            Logs.CallFailed(logger, exception, context.Method);
        }

        return new RpcException(new Status(away ? StatusCode.Unavailable : StatusCode.Internal, away ? "The task hub is restarting." : "The call failed."));
    }

    private static RpcException New(StatusCode code, Exception exception) => new(new Status(code, exception.Message));
}
