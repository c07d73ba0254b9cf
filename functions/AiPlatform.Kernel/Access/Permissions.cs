namespace AiPlatform.Kernel.Access;

/// <summary>Attaches permissions to routes, and says which roles have them.</summary>
public static class Permissions
{
    private static readonly CallerRole[] People = [CallerRole.Member, CallerRole.Administrator];
    private static readonly CallerRole[] PeopleAndService = [.. People, CallerRole.Service];

    /// <summary>Declares what the route needs. Every route declares exactly one permission; an inner declaration replaces an outer one.</summary>
    public static TBuilder RequirePermission<TBuilder>(this TBuilder builder, Permission permission)
        where TBuilder : IEndpointConventionBuilder
        => builder.WithMetadata(new RequiredPermission(permission));

    /// <summary>Whether the role has the permission. <see cref="Permission.Anonymous"/> needs no role.</summary>
    public static bool Allows(this Permission permission, CallerRole role) => permission switch
    {
        Permission.Anonymous => true,
        Permission.Account => People.Contains(role),
        Permission.Administer => role == CallerRole.Administrator,
        Permission.Read or Permission.Write => PeopleAndService.Contains(role),
        Permission.ReadRun or Permission.WriteRun => role is CallerRole.Job or CallerRole.Runner || PeopleAndService.Contains(role),
        Permission.Orchestrate => role == CallerRole.Service,
        Permission.Execute => role == CallerRole.Runner,
        Permission.ExecuteTasks => role is CallerRole.Service or CallerRole.Runner,
        _ => false,
    };
}

/// <summary>The permission that a route declares.</summary>
public sealed record RequiredPermission(Permission Permission);
