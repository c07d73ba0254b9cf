using AiPlatform.Contracts.Jobs;
using AiPlatform.GpuRunner;
using AiPlatform.GpuRunner.Launch;
using AiPlatform.GpuRunner.Lease;
using AiPlatform.GpuRunner.Workspace;

namespace AiPlatform.Tests.GpuRunner;

public sealed class LauncherTests
{
    private static readonly LaunchContext Context = new(
        new NodeKey("job", 2, 1), "run", new JobResources(Nodes: 2, ProcessesPerNode: 2, GpusPerProcess: 1), new Rendezvous("10.0.0.1", 4711),
        new NodeWorkspace("/w", "/w/code/train.py"), "/s/runtime.sock", "/python", [2, 3], "00-trace");

    private static readonly JobIsolation Plain = new(null, OwnNamespaces: false);

    [Fact]
    public void Ranks_get_the_environment_of_torch()
    {
        var plans = Launcher.Plan(Context, new RunnerOptions(), Plain, new Dictionary<string, string>());
        Assert.Equal([2, 3], plans.Select(plan => plan.Rank));
        var environment = plans[1].Environment;
        Assert.Equal(
            ("3", "1", "4", "2", "1", "10.0.0.1", "4711", "2,3"),
            (environment["RANK"], environment["LOCAL_RANK"], environment["WORLD_SIZE"], environment["LOCAL_WORLD_SIZE"], environment["GROUP_RANK"],
                environment["MASTER_ADDR"], environment["MASTER_PORT"], environment["CUDA_VISIBLE_DEVICES"]));
        Assert.Equal(("job-2-1", "/s/runtime.sock", "run", "/w/data", "/w/params.json", "00-trace"), (
            environment["AIP_NODE"], environment["AIP_SOCKET"], environment["AIP_RUN_ID"], environment["AIP_DATA_DIR"], environment["AIP_PARAMS"], environment["TRACEPARENT"]));
        Assert.Equal("/w/code:/python", environment["PYTHONPATH"]);
        Assert.DoesNotContain("GLOO_SOCKET_IFNAME", environment.Keys);
    }

    [Fact]
    public void Only_a_short_list_of_the_runners_environment_is_passed_on()
    {
        var inherited = new Dictionary<string, string>
        {
            ["PATH"] = "/bin", ["NCCL_DEBUG"] = "INFO", ["Runner__ClientSecret"] = "x", ["ConnectionStrings__ServiceBus"] = "x", ["HOME"] = "/root",
            ["OTEL_EXPORTER_OTLP_HEADERS"] = "x",
        };
        var environment = Launcher.Plan(Context, new RunnerOptions(), Plain, inherited)[0].Environment;
        Assert.Equal(("/bin", "INFO", "/w/home"), (environment["PATH"], environment["NCCL_DEBUG"], environment["HOME"]));
        Assert.DoesNotContain("x", environment.Values);
    }

    [Theory]
    [InlineData(null, "PASSIVE")]
    [InlineData("ACTIVE", "ACTIVE")]
    public void Threads_of_ranks_that_wait_sleep_unless_the_machine_says_otherwise(string? inherited, string expected)
    {
        var variables = new Dictionary<string, string>();
        if (inherited is not null)
        {
            variables["OMP_WAIT_POLICY"] = inherited;
        }

        Assert.Equal(expected, Launcher.Plan(Context, new RunnerOptions(), Plain, variables)[0].Environment["OMP_WAIT_POLICY"]);
    }

    [Fact]
    public void On_one_machine_gloo_uses_the_loopback_and_cpu_jobs_see_no_gpu()
    {
        var context = Context with { Rendezvous = new Rendezvous("127.0.0.1", 1), Gpus = [], Traceparent = null };
        var environment = Launcher.Plan(context, new RunnerOptions(), Plain, new Dictionary<string, string>())[0].Environment;
        Assert.Equal(("lo", ""), (environment["GLOO_SOCKET_IFNAME"], environment["CUDA_VISIBLE_DEVICES"]));
        Assert.DoesNotContain("TRACEPARENT", environment.Keys);
    }

    [Fact]
    public void The_command_starts_a_session_and_drops_to_the_account()
    {
        var options = new RunnerOptions { Python = "/opt/python" };
        Assert.Equal(
            ["/usr/bin/setsid", "--", "/opt/python", "-u", "/w/code/train.py"],
            Launcher.Plan(Context, options, Plain, new Dictionary<string, string>())[0].Command);
        Assert.Equal(
            ["/usr/bin/setsid", "--", "/usr/bin/setpriv", "--reuid=7", "--regid=8", "--clear-groups", "--no-new-privs", "--", "/opt/python", "-u", "/w/code/train.py"],
            Launcher.Plan(Context, options, new JobIsolation(new UnprivilegedAccount(7, 8), OwnNamespaces: false), new Dictionary<string, string>())[0].Command);
    }

    [Fact]
    public void In_a_sandbox_the_command_shows_the_system_read_only_and_the_jobs_own_folders()
    {
        var options = new RunnerOptions { Python = "/venv/bin/python", SandboxFolders = ["/shared"] };
        var isolation = new JobIsolation(new UnprivilegedAccount(7, 8), OwnNamespaces: true);
        var command = string.Join(' ', Launcher.Plan(Context with { Gpus = [] }, options, isolation, new Dictionary<string, string>())[0].Command);
        Assert.StartsWith("/usr/bin/setsid -- /usr/bin/setpriv --reuid=7 --regid=8 --clear-groups --no-new-privs -- /usr/bin/bwrap --unshare-user ", command, StringComparison.Ordinal);
        Assert.EndsWith(
            "--proc /proc --dev /dev --bind /w/tmp /tmp --bind /w /w --ro-bind /w/data /w/data --ro-bind /python /python --ro-bind /s /s "
            + "--ro-bind /venv /venv --ro-bind /shared /shared --chdir /w/code -- /venv/bin/python -u /w/code/train.py",
            command,
            StringComparison.Ordinal);
        Assert.Contains("--unshare-pid --unshare-ipc --ro-bind-try /usr /usr ", command, StringComparison.Ordinal);
        Assert.DoesNotContain("unshare-net", command, StringComparison.Ordinal);
    }

    [Fact]
    public void Ranks_with_gpus_keep_the_devices_and_the_process_ids_that_their_libraries_share()
    {
        var command = string.Join(' ', Launcher.Plan(Context, new RunnerOptions(), new JobIsolation(null, OwnNamespaces: true), new Dictionary<string, string>())[0].Command);
        Assert.Contains("--dev-bind /dev /dev", command, StringComparison.Ordinal);
        Assert.DoesNotContain("--unshare-pid", command, StringComparison.Ordinal);
        Assert.DoesNotContain("--unshare-ipc", command, StringComparison.Ordinal);
    }

    /// <summary>Jobs of other users run as the same account: what they share they can reach.</summary>
    [Fact]
    public void The_only_rank_of_a_node_shares_no_processes_and_no_memory_although_it_has_a_gpu()
    {
        var context = Context with { Resources = new JobResources(Nodes: 2, ProcessesPerNode: 1, GpusPerProcess: 1) };
        var command = string.Join(' ', Launcher.Plan(context, new RunnerOptions(), new JobIsolation(null, OwnNamespaces: true), new Dictionary<string, string>())[0].Command);
        Assert.Contains("--unshare-pid --unshare-ipc ", command, StringComparison.Ordinal);
        Assert.Contains("--dev-bind /dev /dev", command, StringComparison.Ordinal);
    }

    [Fact]
    public void A_python_of_the_system_needs_no_further_folder()
    {
        Assert.Empty(JobIsolation.FoldersOf("/usr/bin/no-such-python"));
        Assert.Equal(["/opt/python"], JobIsolation.FoldersOf("/opt/python/bin/no-such-python"));
    }

    [Fact]
    public void An_unknown_account_and_root_are_refused()
    {
        Assert.Null(UnprivilegedAccount.Find(new RunnerOptions()));
        if (Environment.UserName == "root")
        {
            Assert.Throws<InvalidOperationException>(() => UnprivilegedAccount.Find(new RunnerOptions { RunAs = "no-such-account" }));
            Assert.Throws<InvalidOperationException>(() => UnprivilegedAccount.Find(new RunnerOptions { RunAs = "root" }));
        }
    }

    [Theory]
    [InlineData(3, false, "", "rank 1 exited with code 3")]
    [InlineData(1, false, "boom", "rank 1 exited with code 1: boom")]
    [InlineData(139, false, "", "rank 1 was killed by SIGSEGV")]
    [InlineData(137, true, "", "rank 1 was killed by SIGKILL (out of memory)")]
    [InlineData(137, false, "", "rank 1 was killed by SIGKILL")]
    [InlineData(162, false, "", "rank 1 was killed by signal 34")]
    public void The_reason_names_code_or_signal(int code, bool outOfMemory, string lines, string expected)
        => Assert.Equal(expected, ExitReason.Describe(1, code, outOfMemory, lines));

    [Fact]
    public void A_process_line_is_read_although_its_name_holds_parentheses()
    {
        var entry = ProcessTree.Parse(42, "42 (a) b (c)) S 7 8 9 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 123456 10 11");
        Assert.Equal(new ProcessEntry(42, 7, 8, 9, 'S', 123456), entry);
        Assert.Null(ProcessTree.Parse(42, "42 broken"));
        Assert.NotNull(ProcessTree.Read(Environment.ProcessId));
        Assert.Null(ProcessTree.Read(int.MaxValue));
    }

    [Theory]
    [InlineData("a/b.txt", true)]
    [InlineData("a b/ü.txt", true)]
    [InlineData("", false)]
    [InlineData("/etc/passwd", false)]
    [InlineData("../x", false)]
    [InlineData("a/../../x", false)]
    [InlineData("a//b", false)]
    [InlineData("a/./b", false)]
    [InlineData("a\\b", false)]
    [InlineData("a\nb", false)]
    public void Paths_that_leave_their_folder_are_refused(string path, bool valid)
    {
        Assert.Equal(valid, SafePath.IsValid(path));
        if (!valid)
        {
            Assert.Throws<InvalidDataException>(() => SafePath.Resolve("/root", path));
        }
    }

    [Theory]
    [InlineData("job", 0, 0)]
    [InlineData("job", 1, -1)]
    [InlineData("", 1, 0)]
    [InlineData("a/b", 1, 0)]
    public void A_message_that_names_no_node_is_refused(string job, int attempt, int node)
        => Assert.Throws<FormatException>(() => NodeKey.Of(new NodeMessage(job, attempt, node, 1)));
}
