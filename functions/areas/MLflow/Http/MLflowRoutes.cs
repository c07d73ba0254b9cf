using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Identity;

namespace AiPlatform.MLflow.Http;

/// <summary>Maps MLflow's routes: reads the parameters, finds the project, calls the handler.</summary>
internal sealed class MLflowRoutes(IEndpointRouteBuilder routes, string root)
{
    public void Get<TApi>(string path, AccessAction action, Func<TApi, MLflowCall, Task> handle)
        where TApi : class
        => On("GET", path, action, handle);

    public void Post<TApi>(string path, AccessAction action, Func<TApi, MLflowCall, Task> handle)
        where TApi : class
        => On("POST", path, action, handle);

    /// <summary>GET and POST, for what changed between MLflow's versions.</summary>
    public void Both<TApi>(string path, AccessAction action, Func<TApi, MLflowCall, Task> handle)
        where TApi : class
    {
        Get(path, action, handle);
        Post(path, action, handle);
    }

    /// <summary>For any method.</summary>
    /// <returns>The route, to say more about.</returns>
    public IEndpointConventionBuilder On<TApi>(string method, string path, AccessAction action, Func<TApi, MLflowCall, Task> handle)
        where TApi : class
    {
        var api = routes.ServiceProvider.GetRequiredService<TApi>();
        var scope = routes.ServiceProvider.GetRequiredService<IProjectScope>();
        return routes.MapMethods(root + path, [method], async (HttpContext context) =>
        {
            var body = await MLflowCall.ReadBodyAsync(context);
            await handle(api, new MLflowCall(context, body, await scope.ResolveAsync(context, context.Features.Get<Caller>()!)));
        }).RequireAction(action).ExcludeFromDescription();
    }

    /// <summary>For handlers that read or stream the body themselves.</summary>
    /// <param name="maxBody">Bytes; 0 where there is no body.</param>
    /// <returns>The route, to say more about.</returns>
    public IEndpointConventionBuilder Raw<TApi>(string method, string path, AccessAction action, long maxBody, Func<TApi, HttpContext, Task> handle)
        where TApi : class
    {
        var api = routes.ServiceProvider.GetRequiredService<TApi>();
        var route = routes.MapMethods(root + path, [method], (HttpContext context) => handle(api, context)).RequireAction(action).ExcludeFromDescription();
        if (maxBody > 0)
        {
            route.WithBodyLimit(maxBody);
        }

        return route;
    }
}
