namespace AiPlatform.Local.Processes;

/// <summary>What other accounts than root's can reach.</summary>
internal static class AccountAccess
{
    /// <summary>Whether the account that something runs as under root can reach a folder; without root everything is reached.</summary>
    public static async Task<bool> CanReachAsync(string account, string folder, CancellationToken cancellationToken)
    {
        if (!Environment.IsPrivilegedProcess)
        {
            return true;
        }

        using var log = new BoundedLog("/dev/null");
        using var test = await ChildProcess.StartAsync(
            new ChildCommand("test", ["-x", folder]) { Account = account }, log, cancellationToken).ConfigureAwait(false);
        await test.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
        return test.ExitCode == 0;
    }
}
