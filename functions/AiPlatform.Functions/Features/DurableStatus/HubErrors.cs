using AiPlatform.Contracts;
using AiPlatform.DurableTask.Client;
using AiPlatform.Functions.Infrastructure;
using Grpc.Core;

namespace AiPlatform.Functions.Features.DurableStatus;

/// <summary>What the hub refuses although the checks before let it through: somebody else was faster, or a token is not the hub's.</summary>
internal sealed class HubErrors(DurableTaskClient client) : IEndpointFilter
{
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        try
        {
            return await next(context);
        }
        catch (Exception exception) when (exception.InnerException is RpcException { StatusCode: StatusCode.InvalidArgument })
        {
            throw new ApiException(context.HttpContext.Request.Headers.ContainsKey(DurableStatusEndpoints.ContinuationHeader) ? ErrorCodes.InvalidPageToken : ErrorCodes.InvalidRequest, "malformed");
        }
        catch (Exception exception) when (exception.InnerException is RpcException { StatusCode: StatusCode.NotFound or StatusCode.FailedPrecondition }
            && context.HttpContext.GetRouteValue("id") is string)
        {
            var id = (string)context.HttpContext.GetRouteValue("id")!;
            var instance = await client.GetInstanceAsync(id, context.HttpContext.RequestAborted);
            throw instance is null
                ? ApiException.NotFound("instance", id)
                : ApiException.IllegalTransition("instance", instance.RuntimeStatus.ToString(), context.HttpContext.Request.Path.Value!.Split('/')[^1]);
        }
    }
}
