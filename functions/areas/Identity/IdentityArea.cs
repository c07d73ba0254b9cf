using AiPlatform.Kernel;
using AiPlatform.Identity.Accounts;
using AiPlatform.Identity.Projects;

namespace AiPlatform.Identity;

/// <summary>Accounts, logins and tokens; projects.</summary>
public sealed class IdentityArea : IArea
{
    /// <inheritdoc />
    public void AddServices(IServiceCollection services, IConfiguration configuration) => services.AddIdentity(configuration).AddProjects();

    /// <inheritdoc />
    public void MapEndpoints(IEndpointRouteBuilder routes)
    {
        routes.MapIdentityEndpoints();
        routes.MapProjectEndpoints();
    }
}
