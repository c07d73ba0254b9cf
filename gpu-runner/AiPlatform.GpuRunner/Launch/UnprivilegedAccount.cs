using AiPlatform.GpuRunner.Detect;
using AiPlatform.Hosting;

namespace AiPlatform.GpuRunner.Launch;

/// <summary>The account that job code runs under when the runner is root.</summary>
internal sealed record UnprivilegedAccount(uint UserId, uint GroupId)
{
    /// <summary>The configured account; null when none is configured or the runner may not change accounts.</summary>
    /// <exception cref="InvalidOperationException">The account does not exist, or is root.</exception>
    public static UnprivilegedAccount? Find(RunnerOptions options)
    {
        if (options.RunAs is not { Length: > 0 } name || NativeMethods.GetEffectiveUserId() != 0)
        {
            return null;
        }

        var account = UnixAccount.Find(name)
            ?? throw new InvalidOperationException($"Runner:RunAs names the account '{name}', which does not exist.");
        return account.UserId != 0 ? new UnprivilegedAccount(account.UserId, account.GroupId) : throw new InvalidOperationException("Runner:RunAs must not be root.");
    }

    /// <summary>Gives a folder and everything in it to the account. Only for folders that job code has not touched yet.</summary>
    public void Own(string path)
    {
        Change(path);
        foreach (var entry in new DirectoryInfo(path).EnumerateFileSystemInfos("*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None }))
        {
            Change(entry.FullName);
        }
    }

    private void Change(string path)
    {
        if (NativeMethods.ChangeOwner(path, UserId, GroupId) != 0)
        {
            throw new IOException($"The owner of {path} could not be changed (errno {System.Runtime.InteropServices.Marshal.GetLastPInvokeError()}).");
        }
    }
}
