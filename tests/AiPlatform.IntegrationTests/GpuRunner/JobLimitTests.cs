using AiPlatform.Contracts.Jobs;
using AiPlatform.GpuRunner.Launch;

namespace AiPlatform.IntegrationTests.GpuRunner;

/// <summary>A job that uses more than it may is killed with the limit's name as reason, and the runner takes the next one.</summary>
public sealed class JobLimitTests
{
    [Theory]
    [InlineData("processes", "--Runner:Limits:Processes=20",
        "import subprocess, sys, time\nchildren = [subprocess.Popen(['/bin/sleep', '600']) for _ in range(300)]\ntime.sleep(600)")]
    [InlineData("processes", "--Runner:Limits:Processes=20",
        "import os, time\nfor _ in range(60):\n    if os.fork() == 0:\n        os.setsid()\n        os.execve('/bin/sleep', ['sleep', '600'], {})\ntime.sleep(600)")]
    [InlineData("memory", "--Runner:Limits:MemoryBytes=300000000",
        "import time\nheld = [bytearray(b'x' * (50 << 20)) for _ in range(10)]\ntime.sleep(600)")]
    [InlineData("disk", "--Runner:Limits:ScratchBytes=4000000",
        "import time\nfor i in range(8):\n    open(f'file{i}', 'wb').write(b'x' * 1000000)\ntime.sleep(600)")]
    [InlineData("files", "--Runner:Limits:ScratchFiles=200",
        "import time\nfor i in range(500):\n    open(f'file{i}', 'w').close()\ntime.sleep(600)")]
    public async Task What_exceeds_a_limit_ends_with_its_name(string limit, string setting, string code)
    {
        await using var harness = await RunnerHarness.StartAsync(setting, "--Runner:Limits:Interval=00:00:00.200");
        harness.Submit(code);
        var end = await harness.EndAsync();
        Assert.Equal(JobEventKind.Failed, end.Kind);
        Assert.StartsWith($"limit_exceeded: {limit}: ", end.Reason, StringComparison.Ordinal);
        Assert.Empty(ProcessTree.Find($"{harness.JobId}-1-0", new HashSet<(int, ulong)>()));
        harness.Submit("print('next')", attempt: 2);
        Assert.Equal(JobEventKind.Finished, (await harness.EndAsync(attempt: 2)).Kind);
    }

    [Fact]
    public async Task The_kernel_bounds_each_process()
    {
        await using var harness = await RunnerHarness.StartAsync(
            "--Runner:Limits:OpenFiles=100", "--Runner:Limits:ScratchBytes=2000000", "--Runner:Limits:AddressSpaceBytes=1500000000");
        harness.Submit(
            """
            import resource
            print("core", resource.getrlimit(resource.RLIMIT_CORE))
            print("files", resource.getrlimit(resource.RLIMIT_NOFILE))
            print("size", resource.getrlimit(resource.RLIMIT_FSIZE))
            print("space", resource.getrlimit(resource.RLIMIT_AS))
            print("threads", resource.getrlimit(resource.RLIMIT_NPROC)[1] <= 8192)
            try:
                open("large", "wb").write(b"x" * 3000000)
            except OSError as error:
                print("large", error.errno)
            """);
        var end = await harness.EndAsync();
        Assert.True(end.Kind == JobEventKind.Finished, $"{end.Reason}\n{harness.Log()}");
        foreach (var line in (string[])["core (0, 0)", "files (100, 100)", "size (2000000, 2000000)", "space (1500000000, 1500000000)", "threads True", "large 27"])
        {
            Assert.Contains(line, harness.Log(), StringComparison.Ordinal);
        }
    }
}
