using AiPlatform.Kernel;
using AiPlatform.Identity.Accounts;
using AiPlatform.Identity.Projects;
using AiPlatform.Ports.Identity;
using AiPlatform.Ports.Operations;

namespace AiPlatform.Identity;

/// <summary>Accounts, logins and tokens; projects.</summary>
public sealed class IdentityArea : IArea
{
    /// <inheritdoc />
    public void AddServices(IServiceCollection services, IConfiguration configuration) => services.AddIdentity(configuration).AddProjects()
        .AddSingleton<IProjects, ProjectReferences>()
        // People are of no project: they are named where they did something, and nobody asks about them in the graph.
        .AddSingleton(new LineageKind(LineageEnd.UserKind, "SELECT id, NULL::text AS project_id, user_name AS name FROM users"));

    /// <inheritdoc />
    public void MapEndpoints(IEndpointRouteBuilder routes)
    {
        routes.MapIdentityEndpoints();
        routes.MapProjectEndpoints();
    }
}
