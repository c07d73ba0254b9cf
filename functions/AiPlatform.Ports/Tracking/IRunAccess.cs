using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Ports.Tracking;

/// <summary>The rule who reaches a run: whoever reaches its project, and the job that it belongs to.</summary>
public interface IRunAccess
{
    /// <summary>A live run that the caller reaches.</summary>
    /// <exception cref="ApiException">404 <c>not_found</c>.</exception>
    Task<RunReference> RequireAsync(string run, Caller caller, CancellationToken cancellationToken);
}

/// <summary>Where a run belongs.</summary>
/// <param name="Id">The run.</param>
/// <param name="ProjectId">Its project.</param>
/// <param name="JobId">The job that drives it; null when none does.</param>
public sealed record RunReference(string Id, string ProjectId, string? JobId);
