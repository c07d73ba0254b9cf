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
