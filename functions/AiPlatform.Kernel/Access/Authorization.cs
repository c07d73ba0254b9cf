using AiPlatform.Contracts;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Kernel.Access;

/// <summary>
/// Holds every routed request against the action that its route declares. A route that declares none is closed to
/// everybody, so that a forgotten declaration is found by its first caller and never opens a door.
/// </summary>
public sealed class Authorization(RequestDelegate next, Callers callers)
{
    /// <summary>Authenticates and authorises one request.</summary>
    public async Task InvokeAsync(HttpContext context)
    {
        if (context.GetEndpoint() is not { } endpoint)
        {
            await next(context);
            return;
        }

        switch (endpoint.Metadata.GetMetadata<RouteAction>())
        {
            case null when endpoint is RouteEndpoint:
                throw new ApiException(ErrorCodes.Forbidden);
            case null:
                // The framework's own 405 and 415 endpoints: they only answer a status.
                break;
            case { Action: { } action }:
                await RequireAsync(context, action);
                break;
        }

        await next(context);
    }

    private async Task RequireAsync(HttpContext context, AccessAction action)
    {
        var caller = await callers.RequireAsync(context);
        if (!AccessRules.Allows(caller, action))
        {
            throw new ApiException(ErrorCodes.Forbidden);
        }

        context.Features.Set(caller);
    }
}
