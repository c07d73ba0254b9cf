using System.Diagnostics;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Contracts.Runners;
using AiPlatform.GpuRunner.Launch;
using Microsoft.Extensions.DependencyInjection;

namespace AiPlatform.IntegrationTests.GpuRunner;

/// <summary>Job code is hostile: what it runs as, and what it can see and reach.</summary>
public sealed class IsolationTests
{
    [Fact]
    public async Task Job_code_runs_as_the_configured_account_under_root_and_as_the_runners_own_otherwise()
    {
        await using var harness = await RunnerHarness.StartAsync("--Runner:RunAs=nobody");
        File.SetUnixFileMode(harness.DataDirectory, (UnixFileMode)0b111_101_101);
        harness.Submit(
            """
            import os
            import aiplatform_runtime as aip
            print("uid", os.getuid())
            aip.log_metrics({"loss": 1}, step=1)
            open("out", "w").write("x")
            aip.log_artifact("out")
            """);
        var end = await harness.EndAsync();
        Assert.Equal((JobEventKind.Finished, null), (end.Kind, end.Reason));
        var ownership = File.ReadLines("/proc/self/status").First(static line => line.StartsWith("Uid:", StringComparison.Ordinal)).Split('\t');
        Assert.Contains($"uid {(Environment.IsPrivilegedProcess ? "65534" : ownership[2])}\n", harness.Log(), StringComparison.Ordinal);
        Assert.Single(harness.Platform.Artifacts);
    }

    [Fact]
    public async Task Job_code_sees_only_its_own_files_and_processes_where_the_kernel_allows_namespaces()
    {
        await using var harness = await RunnerHarness.StartAsync("--Runner:RunAs=nobody");
        Assert.Equal(await NamespacesAreAllowedAsync(), harness.Services.GetRequiredService<IsolationCheck>().Isolation.OwnNamespaces);
        if (!harness.Services.GetRequiredService<IsolationCheck>().Isolation.OwnNamespaces)
        {
            return;
        }

        File.SetUnixFileMode(harness.DataDirectory, (UnixFileMode)0b111_101_101);
        var secret = Path.Combine(harness.DataDirectory, "secret.txt");
        await File.WriteAllTextAsync(secret, "secret");
        var file = harness.Platform.Serve("digits.csv", "label\n"u8.ToArray());

        // A home directory is there only where the platform itself lies in it, and holds nothing else.
        var home = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), $".aip-test-{Guid.NewGuid():N}");
        await File.WriteAllTextAsync(home, "mine");
        harness.Submit(
            $$"""
            import os, socket, tempfile
            import aiplatform_runtime as aip
            print("sees secret", os.path.exists("{{secret}}"))
            print("sees home", any(os.path.exists(path) for path in ("/root", "/home", "{{home}}") if not "{{AppContext.BaseDirectory}}".startswith(path + "/")))
            print("processes", sorted(int(name) for name in os.listdir("/proc") if name.isdigit())[-1] < 100)
            try:
                os.kill({{Environment.ProcessId}}, 0)
                print("reaches the runner", True)
            except (ProcessLookupError, PermissionError):
                print("reaches the runner", False)
            for path in ("/usr/x", "/etc/x", str(aip.dataset_path("digits") / "digits.csv")):
                try:
                    open(path, "a")
                    print("writes", path)
                except OSError:
                    pass
            open("/tmp/mine", "w").write("x")
            with tempfile.NamedTemporaryFile() as temporary:
                print("temporary", os.path.exists(temporary.name))
            with socket.create_connection(("127.0.0.1", {{new Uri(harness.Platform.Url).Port}})):
                print("network", True)
            open("out", "w").write("x")
            aip.log_artifact("out")
            aip.log_metrics({"loss": 1}, step=1)
            """,
            configure: builder => builder.Assignment = builder.Assignment with { Datasets = [new AssignedDataset("digits", 1, [file])] });
        var end = await harness.EndAsync();
        File.Delete(home);
        var log = harness.Log();
        Assert.True(end.Kind == JobEventKind.Finished, $"{end.Reason}\n{log}");
        foreach (var line in (string[])["sees secret False", "sees home False", "processes True", "reaches the runner False", "temporary True", "network True"])
        {
            Assert.Contains(line, log, StringComparison.Ordinal);
        }

        Assert.DoesNotContain("writes", log, StringComparison.Ordinal);
        Assert.False(File.Exists("/tmp/mine"));
        Assert.Single(harness.Platform.Artifacts);
        Assert.Single(harness.Platform.Points);
    }

    [Fact]
    public async Task The_runners_socket_answers_processes_of_its_own_node_only()
    {
        await using var harness = await RunnerHarness.StartAsync();
        harness.Submit(
            """
            import os, subprocess, sys, time
            import aiplatform_runtime as aip
            open("socket.txt.new", "w").write(os.environ["AIP_SOCKET"])
            os.rename("socket.txt.new", "socket.txt")
            aip.log_metrics({"own": 1}, step=1)
            subprocess.run([sys.executable, "-c", "import aiplatform_runtime as aip; aip.log_metrics({'child': 1}, step=1)"], check=True, start_new_session=True)
            while not os.path.exists("done"):
                time.sleep(0.05)
            """);
        var code = Path.Combine(harness.NodeDirectory(), "work", "code");
        await RunnerHarness.UntilAsync(() => harness.Platform.Points.Count == 2, () => harness.Log());
        using var stranger = new System.Net.Sockets.Socket(
            System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Unspecified);
        await stranger.ConnectAsync(new System.Net.Sockets.UnixDomainSocketEndPoint(await File.ReadAllTextAsync(Path.Combine(code, "socket.txt"))));
        var hello = "{\"id\":1,\"op\":\"hello\",\"rank\":0}"u8.ToArray();
        await stranger.SendAsync((byte[])[0, 0, 0, (byte)hello.Length, .. hello]);
        try
        {
            Assert.Equal(0, await stranger.ReceiveAsync(new byte[100]));
        }
        catch (System.Net.Sockets.SocketException exception)
        {
            Assert.Equal(System.Net.Sockets.SocketError.ConnectionReset, exception.SocketErrorCode);
        }

        await File.WriteAllTextAsync(Path.Combine(code, "done"), "");
        var end = await harness.EndAsync();
        Assert.True(end.Kind == JobEventKind.Finished, $"{end.Reason}\n{harness.Log()}");
    }

    [Fact]
    public async Task Signals_and_exit_codes_of_job_code_are_those_of_its_own_process()
    {
        await using var harness = await RunnerHarness.StartAsync("--Runner:RunAs=nobody");
        File.SetUnixFileMode(harness.DataDirectory, (UnixFileMode)0b111_101_101);
        harness.Submit("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)");
        Assert.Contains("SIGSEGV", (await harness.EndAsync()).Reason, StringComparison.Ordinal);
        harness.Submit("import sys\nsys.exit(42)", attempt: 2);
        Assert.Equal(42, (await harness.EndAsync(attempt: 2)).ExitCode);
    }

    [Fact]
    public async Task Namespaces_can_be_switched_off_and_required()
    {
        await using var off = await RunnerHarness.StartAsync("--Runner:Sandbox=Off");
        Assert.False(off.Services.GetRequiredService<IsolationCheck>().Isolation.OwnNamespaces);

        // A Python that does not start is found before any job is taken.
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(
            () => RunnerHarness.StartAsync("--Runner:Sandbox=Required", "--Runner:Python=/usr/bin/no-such-python"));
        Assert.Contains("Runner:Sandbox", refused.Message, StringComparison.Ordinal);
    }

    /// <summary>A neighbour of the same account may hold all its processes.</summary>
    [Theory]
    [InlineData("Auto")]
    [InlineData("Required")]
    public async Task A_sandbox_that_is_refused_only_for_now_is_waited_for_and_never_left_out(string mode)
    {
        var python = RefusingPython();
        Refuse(python, true);
        var starting = RunnerHarness.StartAsync($"--Runner:Sandbox={mode}", $"--Runner:Python={python}");
        await Task.WhenAny(starting, Task.Delay(TimeSpan.FromSeconds(2)));
        Assert.False(starting.IsCompleted, "The runner started although nothing could be isolated.");
        Refuse(python, false);
        await using var harness = await starting;
        Assert.Equal(await NamespacesAreAllowedAsync(), harness.Services.GetRequiredService<IsolationCheck>().Isolation.OwnNamespaces);
    }

    [Theory]
    [InlineData("Auto")]
    [InlineData("Off")]
    public async Task A_runner_that_cannot_isolate_job_code_just_now_does_not_start(string mode)
    {
        var python = RefusingPython();
        Refuse(python, true);
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(
            () => RunnerHarness.StartAsync($"--Runner:Sandbox={mode}", "--Runner:StartAttempts=2", $"--Runner:Python={python}"));
        Assert.Contains("just now", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Auto")]
    [InlineData("Off")]
    public async Task A_rank_that_the_machine_refuses_to_start_only_for_now_is_started_again(string mode)
    {
        var python = RefusingPython();
        await using var harness = await RunnerHarness.StartAsync("--Runner:RunAs=nobody", $"--Runner:Sandbox={mode}", $"--Runner:Python={python}");
        File.SetUnixFileMode(harness.DataDirectory, (UnixFileMode)0b111_101_101);
        Refuse(python, true);
        harness.Submit("import os\nprint('rank', os.environ['RANK'], os.environ.get('LC_ALL'))", ranks: 2);
        await RunnerHarness.UntilAsync(() => harness.Log().Contains(Refusal, StringComparison.Ordinal) && harness.Log(1).Contains(Refusal, StringComparison.Ordinal));
        Refuse(python, false);
        var end = await harness.EndAsync();
        Assert.True(end.Kind == JobEventKind.Finished, $"{end.Reason}\n{harness.Log()}\n{harness.Log(1)}");
        Assert.EndsWith("rank 0 None\n", harness.Log(), StringComparison.Ordinal);
        Assert.EndsWith("rank 1 None\n", harness.Log(1), StringComparison.Ordinal);
        Assert.Single(harness.Platform.Events, static e => e.Kind == JobEventKind.Started);

        Refuse(python, true);
        harness.Submit("print('never')", attempt: 2, timeoutSeconds: 2);
        Assert.Contains("timeout", (await harness.EndAsync(attempt: 2)).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Job_code_cannot_take_ports_that_are_kept_and_is_the_first_to_end_when_memory_is_short()
    {
        var port = AiPlatform.Hosting.TcpPorts.Free();
        await using var harness = await RunnerHarness.StartAsync($"--Runner:ReservedPorts:0={port}");
        harness.Submit(
            $$"""
            import socket
            def take(port, *kind):
                try:
                    with socket.socket(*kind) as taken:
                        taken.bind(("::1" if socket.AF_INET6 in kind else "127.0.0.1", port))
                        taken.listen()
                        return True
                except OSError:
                    return False
            print("kept", take({{port}}), take({{port}}, socket.AF_INET, socket.SOCK_STREAM, 262), take({{port}}, socket.AF_INET6))
            print("others", take(0), take({{AiPlatform.Hosting.TcpPorts.Free()}}))
            print("score", open("/proc/self/oom_score_adj").read())
            """);
        var end = await harness.EndAsync();
        Assert.True(end.Kind == JobEventKind.Finished, $"{end.Reason}\n{harness.Log()}");
        Assert.Contains("others True True\n", harness.Log(), StringComparison.Ordinal);
        Assert.Contains("score 1000\n", harness.Log(), StringComparison.Ordinal);
        var kept = harness.Services.GetRequiredService<IsolationCheck>().Isolation.Guard.Contains("--ports");
        Assert.Contains(kept ? "kept False False False\n" : "kept True ", harness.Log(), StringComparison.Ordinal);
        Assert.True(kept || Environment.OSVersion.Version < new Version(6, 7) || !File.ReadAllText("/proc/kallsyms").Contains("landlock", StringComparison.Ordinal));
    }

    private const string Refusal = "bwrap: Creating new namespace failed: Resource temporarily unavailable";

    // A Python that ends, as long as it is told to, as bubblewrap does when the kernel has no process left for it.
    private static string RefusingPython()
    {
        var folder = Directory.CreateTempSubdirectory("aip-python-").FullName;
        File.SetUnixFileMode(folder, (UnixFileMode)0b111_101_101);
        var path = Path.Combine(folder, "bin", "python");
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, $"#!/bin/sh\nif [ -e {path}.refuses ]; then echo '{Refusal}' >&2; exit 1; fi\nexec /usr/bin/python3 \"$@\"\n");
        File.SetUnixFileMode(path, (UnixFileMode)0b111_101_101);
        return path;
    }

    private static void Refuse(string python, bool refuses)
    {
        if (refuses)
        {
            File.WriteAllText($"{python}.refuses", "");
        }
        else
        {
            File.Delete($"{python}.refuses");
        }
    }

    private static async Task<bool> NamespacesAreAllowedAsync()
    {
        if (!File.Exists(JobIsolation.Bubblewrap))
        {
            return false;
        }

        string[] account = Environment.IsPrivilegedProcess ? ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"] : [];
        string[] command = [.. account, JobIsolation.Bubblewrap, "--ro-bind", "/", "/", "--unshare-user", "--unshare-pid", "--proc", "/proc", "--", "/bin/true"];
        using var process = Process.Start(command[0], command[1..]);
        await process.WaitForExitAsync();
        return process.ExitCode == 0;
    }
}
