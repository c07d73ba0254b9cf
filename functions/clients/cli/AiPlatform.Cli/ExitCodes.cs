namespace AiPlatform.Cli;

/// <summary>What scripts get; <c>aip --help</c> documents it.</summary>
internal static class ExitCodes
{
    /// <summary>Done, and where the command gives a verdict, a good one.</summary>
    public const int Success = 0;

    /// <summary>The command failed or was written wrongly.</summary>
    public const int Failure = 1;

    /// <summary>Done, but the verdict is bad: expectations are not met, a task did not succeed.</summary>
    public const int BadVerdict = 2;

    /// <summary>Done, but the version is blocked from use.</summary>
    public const int Blocked = 3;

    /// <summary>Interrupted by Ctrl-C.</summary>
    public const int Interrupted = 130;
}
