namespace AiPlatform.Ports.Identity;

/// <summary>Tokens for the code of jobs.</summary>
public interface IJobTokens
{
    /// <summary>A token for the code of one attempt: it may write to this run and job, and nothing else.</summary>
    IssuedToken ForJob(string jobId, string runId, int attempt);
}
