using AiPlatform.Contracts;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using Microsoft.DurableTask.Client;

namespace AiPlatform.Operations.DurableStatus;

/// <summary>Finds instances for those who reach them, and says who may interfere with them.</summary>
internal sealed class InstanceAccess(ResourceOwners owners, DurableTaskClient client)
{
    /// <summary>An instance that the caller reaches.</summary>
    /// <param name="payloads">Whether its input and output are read too.</param>
    /// <exception cref="ApiException">404.</exception>
    public async Task<OrchestrationMetadata> RequireAsync(string id, Caller caller, bool payloads, CancellationToken cancellationToken)
    {
        if (!caller.ReachesEverything)
        {
            await owners.RequireAsync(ResourceOwners.Instance, id, caller, cancellationToken);
        }

        return await client.GetInstanceAsync(id, payloads, cancellationToken) ?? throw ApiException.NotFound("instance", id);
    }

    /// <summary>Refuses unless the instance still runs.</summary>
    /// <exception cref="ApiException">404; 410 when it has ended.</exception>
    public async Task RequireLiveAsync(string id, Caller caller, CancellationToken cancellationToken)
    {
        if ((await RequireAsync(id, caller, payloads: false, cancellationToken)).IsCompleted)
        {
            throw new ApiException(ErrorCodes.Gone, id);
        }
    }

    /// <summary>The job's orchestration and its row must agree: only the platform and administrators interfere with it.</summary>
    /// <exception cref="ApiException">404; 403 <c>orchestration_protected</c>.</exception>
    public async Task RequireControlAsync(string id, Caller caller, CancellationToken cancellationToken)
    {
        if (caller.Role is not (CallerRole.Administrator or CallerRole.Service))
        {
            await owners.RequireAsync(ResourceOwners.Instance, id, caller, cancellationToken);
            throw new ApiException(ErrorCodes.OrchestrationProtected, id);
        }
    }
}
