using AiPlatform.Contracts;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Kernel.Access;

/// <summary>
/// Holds every routed request against the permission that its route declares. A route that declares none is closed to
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
}
