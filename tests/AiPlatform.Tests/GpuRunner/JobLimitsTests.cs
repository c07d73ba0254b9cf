using AiPlatform.GpuRunner.Launch;

namespace AiPlatform.Tests.GpuRunner;

public sealed class JobLimitsTests
{
    private static readonly string[] Lines =
    [
        "Limit                     Soft Limit           Hard Limit           Units     ",
        "Max file size             unlimited            unlimited            bytes     ",
        "Max processes             7823                 7824                 processes ",
        "Max open files            1024                 4096                 files     ",
    ];

    [Fact]
    public void Hard_limits_are_read_from_the_kernels_table()
    {
        Assert.Equal(4096, JobLimits.HardLimit(Lines, "Max open files"));
        Assert.Equal(7824, JobLimits.HardLimit(Lines, "Max processes"));
        Assert.Null(JobLimits.HardLimit(Lines, "Max file size"));
        Assert.Null(JobLimits.HardLimit(Lines, "Max address space"));
    }

    [Fact]
    public void No_limit_is_above_what_the_runner_may_set()
    {
        var limits = new JobLimits { OpenFiles = 10_000, AccountThreads = 500, ScratchBytes = 2_000_000 };
        Assert.Equal(["--core=0", "--nofile=4096", "--nproc=500", "--fsize=2000000"], limits.Arguments(name => JobLimits.HardLimit(Lines, name)));
        Assert.Equal(["--core=0", "--nofile=10000", "--nproc=500", "--fsize=2000000"], limits.Arguments(static _ => null));
    }

    [Fact]
    public void The_kernels_limit_of_processes_follows_the_watched_one_and_the_slots()
    {
        static int Threads(IReadOnlyList<string> arguments)
            => int.Parse(arguments.Single(static argument => argument.StartsWith("--nproc=", StringComparison.Ordinal))["--nproc=".Length..], System.Globalization.CultureInfo.InvariantCulture);
        var one = 20 + 512 + (16 * Environment.ProcessorCount);
        var limits = new JobLimits { Processes = 20 };
        Assert.Equal(one, Threads(limits.Arguments(static _ => null)));
        Assert.Equal(3 * one, Threads(limits.Arguments(static _ => null, slots: 3)));
        Assert.Equal((3 * one) + 4_096, Threads(limits.Arguments(static _ => null, slots: 3, dedicated: false)));
        Assert.Equal(one, Threads(limits.InnerArguments(static _ => null)));
        Assert.Equal(100, Threads(limits.InnerArguments(static _ => 100)));
        Assert.Equal(500, Threads(new JobLimits { AccountThreads = 500 }.Arguments(static _ => null, slots: 3)));
    }

    [Fact]
    public void A_nodes_processes_give_way_and_are_tagged_with_a_group_and_with_limits()
    {
        var view = new SandboxView("/", "/tmp", [], [], Gpus: false);
        var tag = NodeTag.Of("job-1-0");
        var isolation = new JobIsolation(new UnprivilegedAccount(7, 8), OwnNamespaces: false) { Limits = ["--core=0"], TagsByLimits = true };
        Assert.Equal(
            $"/usr/bin/setsid -- /usr/bin/nice -n 10 -- /usr/bin/prlimit --core=0 {tag.Limits[0]} {tag.Limits[1]} -- "
            + $"/usr/bin/setpriv --reuid=7 --regid=8 --groups={tag.Value} --no-new-privs -- /bin/true",
            string.Join(' ', isolation.For("job-1-0").Command(view, "/bin/true")));
        Assert.DoesNotContain("--rss", string.Join(' ', (isolation with { TagsByLimits = false }).For("job-1-0").Command(view, "/bin/true")), StringComparison.Ordinal);
    }

    [Fact]
    public void A_sandbox_holds_no_more_files_in_memory_than_the_job_may_have_memory()
    {
        var isolation = new JobIsolation(null, OwnNamespaces: true) { SharedMemoryBytes = 5_000_000, InnerLimits = ["--nproc=600"] };
        var command = string.Join(' ', isolation.Command(new SandboxView("/w", "/w/tmp", ["/w"], [], Gpus: false), "/bin/true"));
        Assert.Contains(" --disable-userns ", command, StringComparison.Ordinal);
        Assert.Contains(" --dev /dev --size 5000000 --tmpfs /dev/shm --remount-ro /dev --bind /w/tmp /tmp ", command, StringComparison.Ordinal);
        Assert.EndsWith(" --remount-ro / --chdir /w -- /usr/bin/prlimit --nproc=600 -- /bin/true", command, StringComparison.Ordinal);
        command = string.Join(' ', isolation.Command(new SandboxView("/w", "/w/tmp", ["/w"], [], Gpus: true) { SharedMemory = "/dev/shm/aip-1" }, "/bin/true"));
        Assert.Contains(" --dev-bind /dev /dev --bind /dev/shm/aip-1 /dev/shm ", command, StringComparison.Ordinal);
    }

    [Fact]
    public void The_limits_are_set_before_rights_are_given_up()
    {
        var isolation = new JobIsolation(new UnprivilegedAccount(7, 8), OwnNamespaces: false) { Limits = ["--core=0"] };
        var command = string.Join(' ', isolation.Command(new SandboxView("/", "/tmp", [], [], Gpus: false), "/bin/true"));
        Assert.StartsWith("/usr/bin/setsid -- /usr/bin/prlimit --core=0 -- /usr/bin/setpriv --reuid=7", command, StringComparison.Ordinal);
        Assert.EndsWith(" -- /bin/true", command, StringComparison.Ordinal);
    }
}
