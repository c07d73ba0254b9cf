namespace AiPlatform.Kernel;

/// <summary>
/// A part of the app that stands alone: its routes, stores, migrations and texts in one project, which knows the kernel, the ports and the
/// contracts, and no other area. The host lists the areas; nothing else is needed to make one part of the app.
/// </summary>
public interface IArea
{
    /// <summary>Registers what the area needs, and what it offers to others through ports.</summary>
    void AddServices(IServiceCollection services, IConfiguration configuration);

    /// <summary>Adds what must see requests before a route is chosen; most areas have nothing.</summary>
    void UseBeforeRouting(IApplicationBuilder app)
    {
    }

    /// <summary>Maps the area's routes.</summary>
    void MapEndpoints(IEndpointRouteBuilder routes);
}
