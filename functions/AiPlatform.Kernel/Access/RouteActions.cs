namespace AiPlatform.Kernel.Access;

/// <summary>Attaches actions to routes. A route without one is closed to everybody.</summary>
public static class RouteActions
{
    /// <summary>Declares what the route does; an inner declaration replaces an outer one.</summary>
    public static TBuilder RequireAction<TBuilder>(this TBuilder builder, AccessAction action)
        where TBuilder : IEndpointConventionBuilder
        => builder.WithMetadata(new RouteAction(action));

    /// <summary>Opens the route to everybody, without a token: logging in, health, documentation.</summary>
    public static TBuilder OpenToAnybody<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder
        => builder.WithMetadata(new RouteAction(null));
}

/// <summary>What a route declares.</summary>
/// <param name="Action">The action; null where nobody has to say who they are.</param>
public sealed record RouteAction(AccessAction? Action);
