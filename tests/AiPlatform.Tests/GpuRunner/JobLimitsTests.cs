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
    public void The_limits_are_set_before_rights_are_given_up()
    {
        var isolation = new JobIsolation(new UnprivilegedAccount(7, 8), OwnNamespaces: false) { Limits = ["--core=0"] };
        var command = string.Join(' ', isolation.Command(new SandboxView("/", "/tmp", [], [], Gpus: false), "/bin/true"));
        Assert.StartsWith("/usr/bin/setsid -- /usr/bin/prlimit --core=0 -- /usr/bin/setpriv --reuid=7", command, StringComparison.Ordinal);
        Assert.EndsWith(" -- /bin/true", command, StringComparison.Ordinal);
    }
}
