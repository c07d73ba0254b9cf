using AiPlatform.Contracts.Jobs;

namespace AiPlatform.IntegrationTests.GpuRunner;

/// <summary>Files that job code makes to stop the runner, or to have it read what is not the job's: it is refused, and the slot goes on.</summary>
public sealed class HostileFileTests
{
    private const string Send =
        """
        import os, pathlib, socket, threading, time
        from aiplatform_runtime._connection import RunnerError, connection

        def send(name, file):
            try:
                connection().call("artifact", file=str(file), path=name, kind="file", step=None, metrics=None)
                print(name, "sent", flush=True)
            except RunnerError as error:
                print(name, "refused", error, flush=True)

        here = pathlib.Path.cwd()

        """;

    [Fact]
    public async Task What_is_no_regular_file_is_refused_without_waiting()
    {
        await using var harness = await RunnerHarness.StartAsync();
        harness.Submit(Send +
            """
            os.mkfifo("fifo")
            send("fifo", here / "fifo")
            listener = socket.socket(socket.AF_UNIX)
            listener.bind("socket")
            send("socket", here / "socket")
            try:
                os.mknod("device", 0o20666, os.makedev(1, 5))
                send("device", here / "device")
            except PermissionError:
                print("device refused: none could be made")
            os.mkdir("folder")
            send("folder", here / "folder")
            send("missing", here / "missing")
            open("file", "w").write("x")
            send("file", here / "file")
            """);
        var end = await harness.EndAsync();
        Assert.Equal((JobEventKind.Finished, null), (end.Kind, end.Reason));
        var log = harness.Log();
        foreach (var (name, why) in (IEnumerable<(string, string)>)[("fifo", "a pipe"), ("socket", "a socket"), ("folder", "a folder"), ("missing", "does not exist")])
        {
            Assert.Contains(log.Split('\n'), line => line.StartsWith($"{name} refused", StringComparison.Ordinal) && line.Contains(why, StringComparison.Ordinal));
        }

        Assert.Contains("device refused", log, StringComparison.Ordinal);
        Assert.Equal(["file"], harness.Platform.Artifacts.Keys);
        await TakesTheNextAsync(harness);
    }

    [Fact]
    public async Task No_link_is_followed_anywhere_in_the_path()
    {
        await using var harness = await RunnerHarness.StartAsync();
        var secret = Path.Combine(harness.DataDirectory, "secret.txt");
        await File.WriteAllTextAsync(secret, "secret");
        harness.Submit(Send +
            $$"""
            os.symlink("{{secret}}", "link")
            send("link", here / "link")
            os.symlink("{{harness.DataDirectory}}", "folder")
            send("through", here / "folder" / "secret.txt")
            send("dots", f"{here}/../../../../secret.txt")
            send("outside", "{{secret}}")
            os.mkdir("mine")
            open("mine/file", "w").write("mine")
            stop = threading.Event()
            def swap():
                while not stop.is_set():
                    os.rename("mine", "aside")
                    os.symlink("{{harness.DataDirectory}}", "mine")
                    os.unlink("mine")
                    os.rename("aside", "mine")
            os.link("mine/file", "mine/secret.txt")
            thread = threading.Thread(target=swap)
            thread.start()
            for i in range(100):
                send(f"race/{i}", here / "mine" / "secret.txt")
            stop.set()
            thread.join()
            """);
        var end = await harness.EndAsync();
        Assert.True(end.Kind == JobEventKind.Finished, $"{end.Reason}\n{harness.Log()}");
        var log = harness.Log();
        Assert.All((string[])["link refused", "through refused", "dots refused", "outside refused"], text => Assert.Contains(text, log, StringComparison.Ordinal));
        Assert.All(harness.Platform.Blobs.Values, blob => Assert.Equal("mine"u8.ToArray(), blob));
        await TakesTheNextAsync(harness);
    }

    [Fact]
    public async Task Files_that_grow_are_sent_as_they_were_and_those_that_shrink_or_vanish_are_refused_or_whole()
    {
        await using var harness = await RunnerHarness.StartAsync("--Runner:Limits:ScratchBytes=1125899906842624");
        harness.Submit(Send +
            """
            size = 1 << 20
            def endless():
                with open("grows", "ab", buffering=0) as file:
                    while not stop.is_set() and file.tell() < 16 << 20:
                        file.write(b"x" * 65536)
            stop = threading.Event()
            open("grows", "wb").write(b"x" * size)
            thread = threading.Thread(target=endless)
            thread.start()
            send("grows", here / "grows")
            stop.set()
            thread.join()
            def shrink():
                while not stop.is_set():
                    os.truncate("shrinks", 0)
                    os.truncate("shrinks", size)
            stop = threading.Event()
            open("shrinks", "wb").write(b"x" * size)
            thread = threading.Thread(target=shrink)
            thread.start()
            for i in range(20):
                send(f"shrinks/{i}", here / "shrinks")
            stop.set()
            thread.join()
            open("vanishes", "wb").write(b"v" * size)
            threading.Timer(0.005, os.unlink, ["vanishes"]).start()
            send("vanishes", here / "vanishes")
            disk = os.statvfs(".")
            with open("huge", "wb") as file:
                file.truncate(disk.f_bavail * disk.f_frsize + (1 << 30))
            send("huge", here / "huge")
            """);
        var end = await harness.EndAsync();
        Assert.True(end.Kind == JobEventKind.Finished, $"{end.Reason}\n{harness.Log()}");
        Assert.Contains("grows sent", harness.Log(), StringComparison.Ordinal);
        Assert.All(harness.Platform.Artifacts, artifact => Assert.Equal(artifact.Value.Size, harness.Platform.Blobs[$"run1-{artifact.Key.Replace('/', '-')}"].Length));
        Assert.Contains("huge refused", harness.Log(), StringComparison.Ordinal);
        await TakesTheNextAsync(harness);
    }

    [Fact]
    public async Task A_lease_on_a_file_and_folders_without_rights_hold_nothing_up()
    {
        await using var harness = await RunnerHarness.StartAsync();
        harness.Submit(Send +
            """
            import fcntl
            open("leased", "w").write("x")
            held = open("leased", "r+")
            fcntl.fcntl(held, fcntl.F_SETLEASE, fcntl.F_WRLCK)
            import signal
            signal.signal(signal.SIGIO, signal.SIG_IGN)
            began = time.monotonic()
            send("leased", here / "leased")
            print("waited", time.monotonic() - began < 40, flush=True)  # The kernel breaks a lease after 45 seconds.
            os.makedirs("closed/inner")
            open("closed/inner/file", "w").write("x")
            os.chmod("closed/inner", 0)
            os.chmod("closed", 0)
            """);
        var end = await harness.EndAsync();
        Assert.True(end.Kind == JobEventKind.Finished, $"{end.Reason}\n{harness.Log()}");
        Assert.Contains("waited True", harness.Log(), StringComparison.Ordinal);
        await RunnerHarness.UntilAsync(() => !Directory.Exists(harness.NodeDirectory()), () => "the folder of the node is still there");
        await TakesTheNextAsync(harness);
    }

    [Fact]
    public async Task A_folder_deeper_than_any_path_is_removed_and_its_files_count()
    {
        const string Dig = "import os, time\nos.mkdir('a0')\nos.chdir('a0')\nfor _ in range(40):\n    os.mkdir('d' * 200)\n    os.chdir('d' * 200)\n";
        await using var harness = await RunnerHarness.StartAsync("--Runner:Limits:ScratchBytes=4000000", "--Runner:Limits:Interval=00:00:00.200");
        harness.Submit(Dig);
        Assert.Equal(JobEventKind.Finished, (await harness.EndAsync()).Kind);
        await RunnerHarness.UntilAsync(() => !Directory.Exists(harness.NodeDirectory()), () => "the folder of the node is still there");
        harness.Submit(Dig + "for i in range(8):\n    open(f'file{i}', 'wb').write(b'x' * 1000000)\ntime.sleep(600)", attempt: 2);
        Assert.StartsWith("limit_exceeded: disk: ", (await harness.EndAsync(attempt: 2)).Reason, StringComparison.Ordinal);
        harness.Submit("print('next')", attempt: 3);
        Assert.Equal(JobEventKind.Finished, (await harness.EndAsync(attempt: 3)).Kind);
    }

    [Fact]
    public async Task A_folder_deeper_than_any_path_that_an_earlier_life_left_keeps_no_runner_from_starting()
    {
        await using var harness = await RunnerHarness.StartAsync();
        await harness.StopRunnerAsync();
        foreach (var folder in (string[])["nodes/left-1-0", "tasks/left-1-task"])
        {
            var left = Directory.CreateDirectory(Path.Combine(harness.DataDirectory, folder, "work")).FullName;
            var code = $"import os\nos.chdir('{left}')\nfor _ in range(40):\n    os.mkdir('d' * 200)\n    os.chdir('d' * 200)";
            using var dig = System.Diagnostics.Process.Start("/usr/bin/env", ["python3", "-c", code]);
            await dig.WaitForExitAsync();
            Assert.Equal(0, dig.ExitCode);
        }

        await harness.StartRunnerAsync();
        Assert.False(Directory.Exists(Path.Combine(harness.DataDirectory, "nodes", "left-1-0")));
        Assert.Null(AiPlatform.GpuRunner.Workspace.JobFolder.TryDelete(Path.Combine(harness.DataDirectory, "tasks")));
        await TakesTheNextAsync(harness);
    }

    private static async Task TakesTheNextAsync(RunnerHarness harness)
    {
        harness.Submit("print('next')", attempt: 2);
        Assert.Equal(JobEventKind.Finished, (await harness.EndAsync(attempt: 2)).Kind);
    }
}
