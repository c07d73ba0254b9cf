using AiPlatform.Contracts.Jobs;
using AiPlatform.GpuRunner;
using AiPlatform.GpuRunner.Launch;
using Microsoft.Extensions.DependencyInjection;

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
    [InlineData("memory", "--Runner:Limits:MemoryBytes=300000000",
        "import socket, time\npairs = []\nfor _ in range(1500):\n    pairs.append(socket.socketpair())\n    for end in pairs[-1]:\n        end.setblocking(False)\n"
        + "        try:\n            while True:\n                end.send(b'x' * 65536)\n        except BlockingIOError:\n            pass\ntime.sleep(600)")]
    [InlineData("memory", "--Runner:Limits:MemoryBytes=300000000",
        "import socket, time\npairs = []\nfor _ in range(2500):\n    left, right = socket.socketpair()\n    left.setblocking(False)\n"
        + "    try:\n        while True:\n            left.send(b'x' * 65536)\n    except BlockingIOError:\n        pass\n    left.close()\n    pairs.append(right)\ntime.sleep(600)")]
    [InlineData("memory", "--Runner:Limits:MemoryBytes=300000000",
        "import mmap, time\nheld = mmap.mmap(-1, 1 << 38, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000, prot=mmap.PROT_READ)\n"
        + "for at in range(0, 1 << 38, 2 << 20):\n    held[at]\ntime.sleep(600)")]
    [InlineData("sockets", "--Runner:Limits:Sockets=100", "import socket, time\nheld = [socket.socketpair() for _ in range(80)]\ntime.sleep(600)")]
    [InlineData("disk", "--Runner:Limits:ScratchBytes=4000000",
        "import time\nfor i in range(8):\n    open(f'file{i}', 'wb').write(b'x' * 1000000)\ntime.sleep(600)")]
    [InlineData("memory", "--Runner:Limits:MemoryBytes=300000000",
        "import os, time\nheld = os.memfd_create('x')\nfor _ in range(10):\n    os.write(held, b'x' * (50 << 20))\ntime.sleep(600)")]
    [InlineData("memory", "--Runner:Limits:MemoryBytes=300000000",
        "import mmap, time\nheld = mmap.mmap(-1, 500 << 20)\nfor _ in range(10):\n    held.write(b'x' * (50 << 20))\ntime.sleep(600)")]
    [InlineData("disk", "--Runner:Limits:ScratchBytes=4000000",
        "import os, time\nheld = []\nfor i in range(8):\n    held.append(open('x', 'wb', buffering=0))\n    os.unlink('x')\n    held[-1].write(b'x' * 1000000)\ntime.sleep(600)")]
    [InlineData("disk", "--Runner:Limits:ScratchBytes=4000000",
        "import ctypes, time\nheld = open('x', 'wb')\nassert ctypes.CDLL(None).fallocate(held.fileno(), 1, ctypes.c_long(0), ctypes.c_long(50 << 20)) == 0\ntime.sleep(600)")]
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
    public async Task Files_in_the_memory_of_a_sandbox_are_bounded_and_count_as_memory()
    {
        await using var harness = await RunnerHarness.StartAsync("--Runner:Limits:MemoryBytes=300000000", "--Runner:Limits:Interval=00:00:00.200");
        if (!harness.Services.GetRequiredService<IsolationCheck>().Isolation.OwnNamespaces)
        {
            return;
        }

        harness.Submit(
            """
            def fill(path):
                written = 0
                try:
                    with open(path, "wb", buffering=0) as file:
                        for _ in range(100):
                            written += file.write(b"x" * (10 << 20))
                    return "all"
                except OSError as error:
                    return error.errno
            for folder in ("/", "/dev/", "/run/"):
                print("filled", folder, fill(folder + "x"), flush=True)
            print("shared", fill("/dev/shm/x"), flush=True)
            """);
        var end = await harness.EndAsync();
        Assert.True(end.Kind == JobEventKind.Finished || end.Reason!.StartsWith("limit_exceeded: memory: ", StringComparison.Ordinal), end.Reason);
        foreach (var line in (string[])["filled / 30", "filled /dev/ 30"])
        {
            Assert.Contains(line, harness.Log(), StringComparison.Ordinal);
        }

        Assert.DoesNotContain("all", harness.Log(), StringComparison.Ordinal);

        // Each is below the limit, both together are not.
        harness.Submit(
            """
            import time
            with open("/dev/shm/x", "wb") as file:
                file.write(b"x" * (200 << 20))
            held = b"x" * (150 << 20)
            time.sleep(600)
            """,
            attempt: 2);
        Assert.StartsWith("limit_exceeded: memory: ", (await harness.EndAsync(attempt: 2)).Reason, StringComparison.Ordinal);
        harness.Submit("with open('/dev/shm/x', 'wb') as file:\n    file.write(b'x' * (100 << 20))\nheld = b'x' * (100 << 20)\nimport time\ntime.sleep(2)", attempt: 3);
        var fits = await harness.EndAsync(attempt: 3);
        Assert.True(fits.Kind == JobEventKind.Finished, fits.Reason);
    }

    /// <summary>It would outlive its processes, and no limit sees what is in none of them.</summary>
    [Fact]
    public async Task Job_code_gets_no_shared_memory_of_system_v_and_no_queues()
    {
        await using var harness = await RunnerHarness.StartAsync();
        harness.Submit(
            """
            import ctypes, os
            libc = ctypes.CDLL(None, use_errno=True)
            for call in (lambda: libc.shmget(0, ctypes.c_size_t(1 << 20), 0o1600), lambda: libc.msgget(0, 0o1600), lambda: libc.semget(0, 1, 0o1600)):
                print(call(), os.strerror(ctypes.get_errno()))
            from multiprocessing import shared_memory
            held = shared_memory.SharedMemory(create=True, size=1000)
            held.buf[0] = 1
            held.close()
            held.unlink()
            """);
        var end = await harness.EndAsync();
        Assert.True(end.Kind == JobEventKind.Finished, $"{end.Reason}\n{harness.Log()}");
        Assert.Equal(3, harness.Log().Split("-1 Function not implemented").Length - 1);
    }

    /// <summary>A page that many processes map, and that a file without a name holds, is one page.</summary>
    [Fact]
    public async Task Memory_that_is_shared_counts_once()
    {
        await using var harness = await RunnerHarness.StartAsync("--Runner:Limits:MemoryBytes=300000000", "--Runner:Limits:Interval=00:00:00.100");
        harness.Submit(
            """
            import mmap, os, time
            held = os.memfd_create("x")
            os.write(held, b"x" * (100 << 20))
            for _ in range(5):
                if os.fork() == 0:
                    view = mmap.mmap(held, 100 << 20)
                    assert sum(view[i] for i in range(0, 100 << 20, 4096)) > 0
                    time.sleep(3)
                    os._exit(0)
            for _ in range(5):
                assert os.wait()[1] == 0
            """);
        var end = await harness.EndAsync();
        Assert.True(end.Kind == JobEventKind.Finished, $"{end.Reason}\n{harness.Log()}");
    }

    // Bounded by itself: at most 4,096 processes, each of which ends after a minute; and 400 by the kernel. What the kernel refuses is tried
    // again, for ended processes count until somebody has taken note of their end.
    private const string Bomb =
        """
        import os, time
        end = time.monotonic() + 60
        forks = 0
        while time.monotonic() < end:
            try:
                forks += 1 if forks < 12 else 0
                if forks < 12 and os.fork() == 0 and {0}:
                    os.setsid()
            except OSError:
                forks -= 1
        """;

    public static TheoryData<string, string, bool> Bombs => new()
    {
        { "nobody", "Auto", false }, { "nobody", "Auto", true }, { "nobody", "Off", false }, { "nobody", "Off", true },
    };

    [Theory]
    [MemberData(nameof(Bombs))]
    public async Task A_job_that_forks_without_end_is_ended_within_seconds_and_the_others_go_on(string account, string sandbox, bool sessions)
    {
        // The kernel counts for the account what an earlier bomb has left until the machine has taken note of each end.
        await RunnerHarness.UntilAsync(() => ProcessesOf(account) < 100, () => $"{account} has {ProcessesOf(account)} processes");
        await using var harness = await RunnerHarness.StartAsync(
            $"--Runner:RunAs={account}", $"--Runner:Sandbox={sandbox}", "--Runner:MaxNodes=2", "--Runner:Limits:Processes=50",
            "--Runner:Limits:AccountThreads=400", "--Runner:Limits:Interval=00:00:01");
        File.SetUnixFileMode(harness.DataDirectory, (UnixFileMode)0b111_101_101);
        harness.Submit("import pathlib, time\npathlib.Path('began').touch()\nwhile not pathlib.Path('end').exists():\n    time.sleep(0.05)\nprint('whole')");
        var folder = Path.Combine(harness.NodeDirectory(), "work", "code");
        await RunnerHarness.UntilAsync(() => File.Exists(Path.Combine(folder, "began")), () => "the other job does not run");

        harness.Submit(Bomb.Replace("{0}", sessions ? "True" : "False", StringComparison.Ordinal), attempt: 2);
        await RunnerHarness.UntilAsync(
            () => harness.Platform.Events.Any(static e => e.Attempt == 2 && e.Kind != JobEventKind.Started),
            () => $"no end with {NodeMarker.Live($"{harness.JobId}-2-0").Count} processes; {string.Join(", ", harness.Platform.Events)}; {harness.Log(attempt: 2)}");
        var bomb = await harness.EndAsync(attempt: 2);
        Assert.StartsWith("limit_exceeded: processes: ", bomb.Reason, StringComparison.Ordinal);
        Assert.Empty(NodeMarker.Live($"{harness.JobId}-2-0"));

        await File.WriteAllTextAsync(Path.Combine(folder, "end"), "");
        var end = await harness.EndAsync();
        Assert.True(end.Kind == JobEventKind.Finished, $"{end.Reason}\n{harness.Log()}");
    }

    private static int ProcessesOf(string account)
        => UnprivilegedAccount.Find(new RunnerOptions { RunAs = account }) is { UserId: var user }
            ? ProcessTree.Snapshot().Count(entry => NodeMarker.UserOf(entry.Id) == user)
            : 0;

    [Theory]
    [InlineData("nobody", "Auto")]
    [InlineData("nobody", "Off")]
    [InlineData("", "Auto")]
    [InlineData("", "Off")]
    public async Task A_job_that_forges_the_marks_of_another_harms_only_itself(string account, string sandbox)
    {
        await using var harness = await RunnerHarness.StartAsync(
            $"--Runner:RunAs={account}", $"--Runner:Sandbox={sandbox}", "--Runner:MaxNodes=2", "--Runner:Limits:Processes=40",
            "--Runner:Limits:Interval=00:00:00.200");
        File.SetUnixFileMode(harness.DataDirectory, (UnixFileMode)0b111_101_101);
        harness.Submit("import pathlib, time\nwhile not pathlib.Path('end').exists():\n    time.sleep(0.05)\nprint('whole')");
        var victim = $"{harness.JobId}-1-0";
        await RunnerHarness.UntilAsync(() => NodeMarker.Live(victim).Count > 0, () => "the victim does not run");

        // Children that name the victim, in sessions of their own and without the parents that would give them away.
        harness.Submit(
            $$"""
            import os, time
            for _ in range(100):
                if os.fork() == 0:
                    os.setsid()
                    if os.fork():
                        os._exit(0)
                    os.execve('/bin/sleep', ['sleep', '120'], {'AIP_NODE': '{{victim}}'})
            time.sleep(120)
            """,
            attempt: 2);
        var attacker = await harness.EndAsync(attempt: 2);
        Assert.StartsWith("limit_exceeded: processes: ", attacker.Reason, StringComparison.Ordinal);
        Assert.Empty(ProcessTree.Find($"{harness.JobId}-2-0", new HashSet<(int, ulong)>()));
        Assert.Equal([], harness.Platform.Events.Where(static e => e.Attempt == 1 && e.Kind != JobEventKind.Started).Select(static e => e.Reason));
        await File.WriteAllTextAsync(Path.Combine(harness.NodeDirectory(), "work", "code", "end"), "");
        var end = await harness.EndAsync();
        Assert.True(end.Kind == JobEventKind.Finished, $"{end.Reason}\n{harness.Log()}");
        Assert.Contains("whole", harness.Log(), StringComparison.Ordinal);
        Assert.Empty(NodeMarker.Live(victim));
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
