using System.Diagnostics;
using AiPlatform.Local.Platform;
using AiPlatform.Local.Processes;

namespace AiPlatform.Tests.Local;

public sealed class ChildProcessTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("aip child ").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Output_of_both_kinds_and_the_environment_reach_the_log()
    {
        using var log = new BoundedLog(Path.Combine(_folder, "log"));
        using var child = await ChildProcess.StartAsync(
            new ChildCommand("/bin/sh", ["-c", "echo out $WORD; echo err >&2; exit 3"]) { Environment = new Dictionary<string, string> { ["WORD"] = "x y" } },
            log,
            CancellationToken.None);
        await child.WaitForExitAsync(CancellationToken.None);

        Assert.Equal(3, child.ExitCode);
        Assert.Contains("out x y", log.Tail, StringComparison.Ordinal);
        Assert.Contains("err", log.Tail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_child_that_ignores_the_request_is_killed_with_its_descendants()
    {
        using var log = new BoundedLog(Path.Combine(_folder, "log"));
        using var child = await ChildProcess.StartAsync(
            new ChildCommand("/bin/sh", ["-c", "trap '' TERM; sh -c 'trap \"\" TERM; echo $$; while :; do sleep 1; done' & wait; while :; do sleep 1; done"]),
            log,
            CancellationToken.None);
        var grandchild = await EventuallyAsync(() => int.TryParse(log.Tail, out var id) ? ProcessIdentity.Of(id) : null);

        await child.StopAsync(TimeSpan.FromMilliseconds(200));

        Assert.True(child.HasExited);
        await EventuallyAsync(() => grandchild.IsRunning() ? null : "gone");
    }

    [Fact]
    public async Task A_child_outlives_the_thread_that_asked_for_it()
    {
        using var log = new BoundedLog(Path.Combine(_folder, "log"));
        ChildProcess? child = null;
        var thread = new Thread(() => child = ChildProcess.StartAsync(new ChildCommand("sleep", ["60"]), log, CancellationToken.None).GetAwaiter().GetResult());
        thread.Start();
        thread.Join();

        using (child)
        {
            Assert.False(child!.HasExited);
            Assert.True(child.Identity!.IsRunning());
            await child.StopAsync(TimeSpan.FromSeconds(5));
        }
    }

    [Fact]
    public void An_identity_is_not_another_process_of_the_same_id()
    {
        var own = ProcessIdentity.Of(Environment.ProcessId)!;

        Assert.True(own.IsRunning());
        Assert.False((own with { StartTicks = own.StartTicks + 1 }).IsRunning());
        Assert.Null(ProcessIdentity.Of(int.MaxValue));
    }

    [Fact]
    public async Task The_next_launcher_ends_what_outlived_the_last_one_and_nothing_else()
    {
        var register = new ProcessRegister(Path.Combine(_folder, "processes.json"));
        using var survivor = Process.Start("sleep", ["60"]);
        using var stranger = Process.Start("sleep", ["60"]);
        try
        {
            var other = ProcessIdentity.Of(stranger.Id)!;
            register.Write([ProcessIdentity.Of(survivor.Id)!, other with { StartTicks = other.StartTicks - 1 }]);

            register.EndSurvivors();

            await survivor.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(10));
            Assert.False(stranger.HasExited);
        }
        finally
        {
            stranger.Kill();
        }
    }

    /// <summary>A child whose output nobody reads stands still as soon as its pipe is full.</summary>
    [Fact]
    public async Task A_child_goes_on_while_the_disk_is_full_and_its_log_says_what_is_missing()
    {
        var path = Path.Combine(_folder, "log");
        File.CreateSymbolicLink(path, "/dev/full");
        using var log = new BoundedLog(path);
        using var child = await ChildProcess.StartAsync(
            new ChildCommand("/bin/sh", ["-c", "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done; while [ -L \"$0\" ]; do sleep 0.05; done; echo after", path]),
            log,
            CancellationToken.None);
        await EventuallyAsync(() => log.Tail.EndsWith("line 19999", StringComparison.Ordinal) ? "read" : null);
        File.Delete(path);
        await child.WaitForExitAsync(CancellationToken.None);
        log.Dispose();

        Assert.Equal(["[20000 lines could not be written]", "after"], await File.ReadAllLinesAsync(path));
    }

    [Fact]
    public void A_log_stays_bounded_and_keeps_the_newest_lines()
    {
        var path = Path.Combine(_folder, "log");
        using var log = new BoundedLog(path, maxBytes: 1_000);
        for (var i = 0; i < 500; i++)
        {
            log.Write($"line {i}");
        }

        Assert.True(new FileInfo(path).Length + new FileInfo(path + ".1").Length < 2_200);
        Assert.EndsWith("line 499", log.Tail, StringComparison.Ordinal);
        Assert.Equal(2, Directory.GetFiles(_folder).Length);
    }

    private static async Task<T> EventuallyAsync<T>(Func<T?> look)
        where T : class
    {
        var deadline = Stopwatch.StartNew();
        while (true)
        {
            if (look() is { } found)
            {
                return found;
            }

            Assert.True(deadline.Elapsed < TimeSpan.FromSeconds(10), "It did not happen within 10 s.");
            await Task.Delay(20);
        }
    }
}
