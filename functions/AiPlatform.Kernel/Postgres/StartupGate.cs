using AiPlatform.Contracts;
using AiPlatform.Kernel.Errors;

namespace AiPlatform.Kernel.Postgres;

/// <summary>Answers 503 to what needs the database while it is not ready.</summary>
public sealed class StartupGate(RequestDelegate next, StartupState state)
{
    /// <summary>Lets the request through, or refuses it.</summary>
    public Task InvokeAsync(HttpContext context)
        => state.IsReady || context.GetEndpoint() is not { } endpoint || endpoint.Metadata.GetMetadata<NeedsNoDatabase>() is not null
            ? next(context)
            : throw new ApiException(ErrorCodes.Unavailable) { RetryAfterSeconds = 1 };
}

/// <summary>Marks routes that are served before the database is there.</summary>
public sealed class NeedsNoDatabase
{
    /// <summary>The mark.</summary>
    public static NeedsNoDatabase Instance { get; } = new();
}
