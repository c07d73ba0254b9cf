using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;

namespace AiPlatform.Ports.Identity;

/// <summary>
/// Which project a client works in that cannot say so in its requests: the one that its base URI names (<c>https://host/p/{project}</c>), else
/// the caller's oldest one, which is made at the first call of somebody who has none; a job works in its own.
/// </summary>
public interface IProjectScope
{
    /// <summary>The project's id.</summary>
    /// <exception cref="ApiException">404 <c>not_found</c> for a project that the caller does not reach.</exception>
    ValueTask<string> ResolveAsync(HttpContext context, Caller caller);
}
