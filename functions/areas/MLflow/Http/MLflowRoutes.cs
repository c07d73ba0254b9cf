using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Identity;

namespace AiPlatform.MLflow.Http;

/// <summary>Maps MLflow's routes: reads the parameters, finds the project, calls the handler.</summary>
internal sealed class MLflowRoutes(IEndpointRouteBuilder routes, string root)
{
    public void Get<TApi>(string path, Permission permission, Func<TApi, MLflowCall, Task> handle)
        where TApi : class
        => On("GET", path, permission, handle);

    public void Post<TApi>(string path, Permission permission, Func<TApi, MLflowCall, Task> handle)
        where TApi : class
        => On("POST", path, permission, handle);

    /// <summary>GET and POST, for what changed between MLflow's versions.</summary>
    public void Both<TApi>(string path, Permission permission, Func<TApi, MLflowCall, Task> handle)
        where TApi : class
    {
        Get(path, permission, handle);
        Post(path, permission, handle);
    }

    /// <summary>For any method.</summary>
    /// <returns>The route, to say more about.</returns>
    public IEndpointConventionBuilder On<TApi>(string method, string path, Permission permission, Func<TApi, MLflowCall, Task> handle)
        where TApi : class
    {
        var api = routes.ServiceProvider.GetRequiredService<TApi>();
        var scope = routes.ServiceProvider.GetRequiredService<IProjectScope>();
        return routes.MapMethods(root + path, [method], async (HttpContext context) =>
        {
            var body = await MLflowCall.ReadBodyAsync(context);
            await handle(api, new MLflowCall(context, body, await scope.ResolveAsync(context, context.Features.Get<Caller>()!)));
        }).RequirePermission(permission).ExcludeFromDescription();
    }

    /// <summary>For handlers that read or stream the body themselves.</summary>
    /// <param name="maxBody">Bytes; 0 where there is no body.</param>
    /// <returns>The route, to say more about.</returns>
    public IEndpointConventionBuilder Raw<TApi>(string method, string path, Permission permission, long maxBody, Func<TApi, HttpContext, Task> handle)
        where TApi : class
    {
        var api = routes.ServiceProvider.GetRequiredService<TApi>();
        var route = routes.MapMethods(root + path, [method], (HttpContext context) => handle(api, context)).RequirePermission(permission).ExcludeFromDescription();
        if (maxBody > 0)
        {
            route.WithBodyLimit(maxBody);
        }

        return route;
    }
}
