using System.Diagnostics;
using System.Globalization;

namespace AiPlatform.Hosting.Processes;

/// <summary>How a child process is started.</summary>
/// <param name="File">The executable.</param>
/// <param name="Arguments">Its arguments.</param>
public sealed record ChildCommand(string File, IReadOnlyList<string> Arguments)
{
    private static readonly string? SetSid = ExecutableSearch.Find("setsid");
    private static readonly string? SetPriv = ExecutableSearch.Find("setpriv");

    /// <summary>Whether this machine can have a child die with its parent.</summary>
    public static bool CanTieToParent => SetPriv is not null;

    /// <summary>Variables that are added to this process's environment.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>Whether it gets <see cref="Environment"/> alone, and nothing of this process's.</summary>
    public bool OnlyThisEnvironment { get; init; }

    /// <summary>Where it starts.</summary>
    public string WorkingDirectory { get; init; } = "/";

    /// <summary>The account that it runs as when this process is root; null: the same account.</summary>
    public string? Account { get; init; }

    /// <summary>The signal that asks it to stop.</summary>
    public int StopSignal { get; init; } = Signals.Terminate;

    /// <summary>The signal that the kernel sends it when this process dies.</summary>
    public string ParentDeathSignal { get; init; } = "KILL";

    /// <summary>The start information; <c>setsid</c> and <c>setpriv</c> replace themselves by the command, so the process id is the command's own.</summary>
    public ProcessStartInfo ToStartInfo()
    {
        var start = new ProcessStartInfo
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            UseShellExecute = false,
            WorkingDirectory = WorkingDirectory,
        };
        string[] command = [.. Prefix(), File, .. Arguments];
        start.FileName = command[0];
        foreach (var argument in command.Skip(1))
        {
            start.ArgumentList.Add(argument);
        }

        if (OnlyThisEnvironment)
        {
            start.Environment.Clear();
        }

        foreach (var (name, value) in Environment)
        {
            start.Environment[name] = value;
        }

        return start;
    }

    // A session of its own: Ctrl-C on the terminal reaches the launcher only, which stops its children in order.
    private IEnumerable<string> Prefix()
    {
        IEnumerable<string> session = SetSid is null ? [] : [SetSid];
        var changesAccount = Account is not null && System.Environment.IsPrivilegedProcess;
        if (SetPriv is null)
        {
            return changesAccount
                ? throw new InvalidOperationException("setpriv is missing. Install it with: apt-get install util-linux")
                : session;
        }

        IEnumerable<string> account = changesAccount ? ["--reuid", Account!, "--regid", PrimaryGroup(Account!), "--init-groups"] : [];
        return [.. session, SetPriv, "--pdeathsig", ParentDeathSignal, .. account, "--"];
    }

    private static string PrimaryGroup(string account)
        => UnixAccount.Find(account)?.GroupId.ToString(CultureInfo.InvariantCulture)
            ?? throw new InvalidOperationException($"The account '{account}' is missing on this machine.");
}
