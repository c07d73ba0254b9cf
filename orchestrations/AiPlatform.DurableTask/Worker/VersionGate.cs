using P = AiPlatform.DurableTask.Protobuf;

namespace AiPlatform.DurableTask.Worker;

/// <summary>Decides whether this worker may run an instance of a version.</summary>
internal static class VersionGate
{
    /// <summary>Why the instance may not run here; null when it may.</summary>
    public static string? Refusal(DurableTaskWorkerOptions.VersioningOptions? options, string? version) => options?.MatchStrategy switch
    {
        DurableTaskWorkerOptions.VersionMatchStrategy.Strict when TaskVersions.Compare(version, options.Version) != 0
            => $"The orchestration's version '{version}' is not the worker's version '{options.Version}'.",
        DurableTaskWorkerOptions.VersionMatchStrategy.CurrentOrOlder when TaskVersions.Compare(version, options.Version) > 0
            => $"The orchestration's version '{version}' is newer than the worker's version '{options.Version}'.",
        _ => null,
    };

    /// <summary>The answer that fails the instance.</summary>
    public static P.OrchestratorResponse Failed(string instanceId, string completionToken, string reason) => new()
    {
        InstanceId = instanceId,
        CompletionToken = completionToken,
        Actions =
        {
            new P.OrchestratorAction
            {
                Id = -1,
                CompleteOrchestration = new()
                {
                    OrchestrationStatus = P.OrchestrationStatus.Failed,
                    FailureDetails = new() { ErrorType = "VersionMismatch", ErrorMessage = reason, IsNonRetriable = true },
                },
            },
        },
    };
}
