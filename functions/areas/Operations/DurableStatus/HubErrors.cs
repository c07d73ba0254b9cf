using AiPlatform.Contracts;
using AiPlatform.Kernel.Errors;
using Grpc.Core;
using Microsoft.DurableTask.Client;
using Microsoft.DurableTask.Client.Grpc;

namespace AiPlatform.Operations.DurableStatus;

/// <summary>What the hub refuses although the checks before let it through: somebody else was faster, or a token is not the hub's.</summary>
internal sealed class HubErrors(DurableTaskClient client) : IEndpointFilter
{
    private static readonly string? ClientAssembly = typeof(GrpcDurableTaskClient).Assembly.GetName().Name;

    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var request = context.HttpContext.Request;
        try
        {
            return await next(context);
        }
        catch (Exception exception) when (CodeOf(exception) == StatusCode.InvalidArgument)
        {
            throw new ApiException(
                request.Headers.ContainsKey(DurableStatusEndpoints.ContinuationHeader) ? ErrorCodes.InvalidPageToken : ErrorCodes.InvalidRequest, "malformed");
        }
        catch (Exception exception) when (CodeOf(exception) is StatusCode.NotFound or StatusCode.FailedPrecondition
            && context.HttpContext.GetRouteValue("id") is string)
        {
            var id = (string)context.HttpContext.GetRouteValue("id")!;
            var instance = await client.GetInstanceAsync(id, context.HttpContext.RequestAborted);
            throw instance is null
                ? ApiException.NotFound("instance", id)
                : ApiException.IllegalTransition("instance", instance.RuntimeStatus.ToString(), request.Path.Value!.Split('/')[^1]);
        }
    }

    /// <summary>How the hub answered. The client gives some answers as exceptions of .NET, with and without the call's own inside.</summary>
    private static StatusCode? CodeOf(Exception exception) => exception switch
    {
        RpcException call => call.StatusCode,
        { InnerException: RpcException call } => call.StatusCode,
        ArgumentException when exception.Source == ClientAssembly => StatusCode.InvalidArgument,
        InvalidOperationException when exception.Source == ClientAssembly => StatusCode.FailedPrecondition,
        _ => null,
    };
}
