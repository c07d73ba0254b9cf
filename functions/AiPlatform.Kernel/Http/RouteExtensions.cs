using AiPlatform.Kernel.Postgres;
using Microsoft.AspNetCore.Mvc;

namespace AiPlatform.Kernel.Http;

/// <summary>What routes declare besides their permission.</summary>
public static class RouteExtensions
{
    /// <summary>
    /// The operation's name and its summary in the API's document. The name is in lower camel case; methods of clients have it too, so it
    /// never changes. Unlike the name of an endpoint it may stand on two routes, of which the document shows one.
    /// </summary>
    public static TBuilder Describe<TBuilder>(this TBuilder builder, string id, string summary)
        where TBuilder : IEndpointConventionBuilder
        => builder.WithMetadata(new OperationId(id)).WithSummary(summary);

    /// <summary>
    /// Says in the API's document what the route reads from the body by itself. Routing does not look at it: any content type is served.
    /// </summary>
    public static TBuilder TakesBody<TBuilder>(this TBuilder builder, string contentType)
        where TBuilder : IEndpointConventionBuilder
        => builder.WithMetadata(new DocumentedBody(contentType));

    /// <summary>The route honours <c>If-Match</c> with the ETag of an answer.</summary>
    public static TBuilder WithIfMatch<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder
        => builder.WithMetadata(ConditionalRoute.Instance);

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
