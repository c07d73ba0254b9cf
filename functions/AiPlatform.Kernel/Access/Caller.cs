using System.Security.Claims;
using AiPlatform.Contracts;
using AiPlatform.Kernel.Errors;

namespace AiPlatform.Kernel.Access;

/// <summary>The authenticated caller; handlers take it as a parameter.</summary>
/// <param name="UserId">The account's id; for services and jobs their client name or job id.</param>
/// <param name="Name">What people call the caller.</param>
public sealed record Caller(string UserId, string Name, CallerRole Role)
{
    /// <summary>The login, when the caller came with a token of one.</summary>
    public string? LoginId { get; init; }

    /// <summary>The job, when the caller is one.</summary>
    public string? JobId { get; init; }

    /// <summary>The job's run, when the caller is a job.</summary>
    public string? RunId { get; init; }

    /// <summary>The job's attempt, when the caller is a job.</summary>
    public int Attempt { get; init; }

    /// <summary>What the caller's personal access token may be used for; null for a login, which may do everything.</summary>
    public IReadOnlyList<string>? Scopes { get; init; }

    /// <summary>Whether ownership does not limit the caller: administrators and the platform's own services.</summary>
    public bool ReachesEverything => Role is CallerRole.Administrator or CallerRole.Service or CallerRole.Runner;

    /// <summary>Whether this is the platform itself at work, not a person.</summary>
    public bool IsPlatform => Role is CallerRole.Service or CallerRole.Runner or CallerRole.Job;

    /// <summary>For SQL: the owner that rows must have, or null when ownership does not limit the caller.</summary>
    public string? OwnerFilter => ReachesEverything ? null : UserId;

    /// <summary>Whether the caller reaches what belongs to this owner.</summary>
    public bool CanReach(string ownerId) => ReachesEverything || (Role == CallerRole.Member && UserId == ownerId);

    /// <summary>Whether the caller is a job and this is its own run.</summary>
    public bool IsJobOf(string runId) => Role == CallerRole.Job && RunId == runId;

    /// <summary>Makes the caller of a checked access token.</summary>
    public static Caller From(ClaimsIdentity identity)
    {
        var role = identity.FindFirst(TokenClaims.Role)?.Value switch
        {
            "member" => CallerRole.Member,
            "administrator" => CallerRole.Administrator,
            "service" => CallerRole.Service,
            "runner" => CallerRole.Runner,
            "job" => CallerRole.Job,
            _ => throw new ApiException(ErrorCodes.Unauthenticated),
        };
        return new Caller(identity.FindFirst(TokenClaims.Subject)!.Value, identity.FindFirst(TokenClaims.Name)?.Value ?? string.Empty, role)
        {
            LoginId = identity.FindFirst(TokenClaims.Login)?.Value,
            JobId = identity.FindFirst(TokenClaims.Job)?.Value,
            RunId = identity.FindFirst(TokenClaims.Run)?.Value,
            Attempt = int.TryParse(identity.FindFirst(TokenClaims.Attempt)?.Value, out var attempt) ? attempt : 0,
        };
    }

    /// <summary>Binds the parameter of a handler.</summary>
    public static ValueTask<Caller?> BindAsync(HttpContext context)
        => ValueTask.FromResult((Caller?)(context.Features.Get<Caller>() ?? throw new ApiException(ErrorCodes.Unauthenticated)));
}
