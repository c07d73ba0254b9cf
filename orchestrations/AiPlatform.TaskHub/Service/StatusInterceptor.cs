using AiPlatform.Hosting;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.Extensions.Options;

namespace AiPlatform.TaskHub.Service;

/// <summary>What all calls have in common: the bearer token is checked, and exceptions become status codes.</summary>
internal sealed class StatusInterceptor(IOptions<TaskHubOptions> options, CallStatus status) : Interceptor
{
    private readonly byte[] _expected = BearerEndpoints.Hash(options.Value.BearerToken);

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
            throw status.Of(exception, context);
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
            throw status.Of(exception, context);
        }
    }

    private void Authorize(ServerCallContext context)
    {
        // Not from the call's metadata, which would copy every header of every call.
        if (!BearerEndpoints.Carries(context.GetHttpContext().Request.Headers.Authorization, _expected))
        {
            throw new RpcException(new Status(StatusCode.Unauthenticated, "The bearer token is missing or wrong."));
        }
    }
}
