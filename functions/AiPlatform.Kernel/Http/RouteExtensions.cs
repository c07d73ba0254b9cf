using AiPlatform.Kernel.Postgres;
using Microsoft.AspNetCore.Mvc;

namespace AiPlatform.Kernel.Http;

/// <summary>What routes declare besides their permission.</summary>
public static class RouteExtensions
{
    /// <summary>The route honours <c>Idempotency-Key</c>: for every POST that creates something.</summary>
    public static TBuilder WithIdempotency<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder
        => builder.WithMetadata(IdempotentRoute.Instance);

    /// <summary>As <see cref="WithIdempotency"/>, where the answer has a secret: it is not kept, and a repeat is told that it came too late.</summary>
    public static TBuilder WithIdempotencyOfSecret<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder
        => builder.WithMetadata(IdempotentRoute.OfSecret);

    /// <summary>The route is served before the database is there.</summary>
    public static TBuilder WithoutDatabase<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder
        => builder.WithMetadata(NeedsNoDatabase.Instance);

    /// <summary>Requests to the route last, and are not counted among those that are served at once.</summary>
    public static TBuilder WithLongRequests<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder
        => builder.WithMetadata(LongRequest.Instance);

    /// <summary>The route's body is a file, or a group whose members are judged one by one: nothing looks into it before, whatever its content type.</summary>
    public static TBuilder WithRawBody<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder
        => builder.WithMetadata(RawBody.Instance);

    /// <summary>The largest body that the route accepts, where it differs from the server's 1 MiB.</summary>
    public static TBuilder WithBodyLimit<TBuilder>(this TBuilder builder, long bytes)
        where TBuilder : IEndpointConventionBuilder
        => builder.WithMetadata(new RequestSizeLimitAttribute(bytes));
}
