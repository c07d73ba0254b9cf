using System.Security.Cryptography;
using System.Text;
using AiPlatform.Contracts;
using Microsoft.Extensions.Options;

namespace AiPlatform.Functions.Infrastructure;

/// <summary>
/// Holds every routed request against the permission that its route declares. A route that declares none is closed to
/// everybody, so that a forgotten declaration is found by its first caller and never opens a door.
/// </summary>
internal sealed class Authorization(RequestDelegate next, Callers callers, IOptions<TriggerKeyOptions> triggers)
{
    /// <summary>Authenticates and authorises one request.</summary>
    public async Task InvokeAsync(HttpContext context)
    {
        if (context.GetEndpoint() is not { } endpoint)
        {
            await next(context);
            return;
        }

        var permission = endpoint.Metadata.GetMetadata<RequiredPermission>()?.Permission;
        switch (permission)
        {
            case null when endpoint is RouteEndpoint:
                throw new ApiException(ErrorCodes.Forbidden);
            case null:
                // The framework's own 405 and 415 endpoints: they only answer a status.
                break;
            case Permission.Anonymous:
                break;
            case Permission.Trigger:
                RequireTrigger(context);
                break;
            default:
                await RequireRoleAsync(context, permission.Value);
                break;
        }

        await next(context);
    }

    private async Task RequireRoleAsync(HttpContext context, Permission permission)
    {
        var caller = await callers.RequireAsync(context);
        if (!permission.Allows(caller.Role) || (caller.Scopes is { } scopes && !TokenScopes.Cover(scopes, permission)))
        {
            throw new ApiException(ErrorCodes.Forbidden);
        }

        context.Features.Set(caller);
    }

    // The Functions host proxies HTTP functions with X-Forwarded headers and sends trigger invocations without: what was
    // forwarded comes from outside and must not reach a trigger, whatever routes the host was given.
    private void RequireTrigger(HttpContext context)
    {
        var headers = context.Request.Headers;
        if (headers.ContainsKey("X-Forwarded-For") || headers.ContainsKey("X-Original-For")
            || headers.ContainsKey("X-Forwarded-Host") || headers.ContainsKey("X-Original-Host"))
        {
            throw new ApiException(ErrorCodes.NotFound);
        }

        if (triggers.Value.Key is { Length: > 0 } key
            && !CryptographicOperations.FixedTimeEquals(
                Encoding.UTF8.GetBytes(headers[TriggerKeyOptions.Header].ToString()), Encoding.UTF8.GetBytes(key)))
        {
            throw new ApiException(ErrorCodes.Unauthenticated);
        }
    }
}
