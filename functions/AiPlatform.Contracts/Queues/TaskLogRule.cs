namespace AiPlatform.Contracts.Queues;

/// <summary>How much of the output of an attempt is kept.</summary>
public static class TaskLogRule
{
    /// <summary>Most bytes: the last ones of standard output and standard error together.</summary>
    public const int MaxBytes = 256 * 1024;
}
