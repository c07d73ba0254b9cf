using System.Text.Json;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.TaskHub.Cli;
using Microsoft.DurableTask.Client;

namespace AiPlatform.IntegrationTests.TaskHub;

/// <summary>The command line <c>taskhub</c>, on a real hub.</summary>
[Collection(TaskHubCollection.Name)]
public sealed class CommandLineTests(PostgresFixture postgres)
{
    [Fact]
    public async Task Instances_are_listed_shown_exported_replayed_and_purged()
    {
        await using var hub = await HubHarness.StartAsync(await postgres.CreateDatabaseAsync("taskhub"));
        await hub.StartWorkerAsync(SampleTasks.Register);
        var done = (await hub.RunAsync(nameof(SampleTasks.Sequence), 1)).InstanceId;
        var waiting = await hub.Client.ScheduleNewOrchestrationInstanceAsync("Waits", "");
        await hub.Client.WaitForInstanceStartAsync(waiting);

        var (code, listed) = await RunAsync(hub, "list");
        Assert.Equal(0, code);
        Assert.Contains($"{done}\tSequence\tCompleted", listed, StringComparison.Ordinal);
        Assert.DoesNotContain(waiting, (await RunAsync(hub, "list", "--status", "completed")).Output, StringComparison.Ordinal);
        Assert.DoesNotContain(done, (await RunAsync(hub, "list", "--name", "waits")).Output, StringComparison.Ordinal);
        Assert.Equal("6", JsonDocument.Parse((await RunAsync(hub, "show", done)).Output).RootElement.GetProperty("Output").GetString());
        Assert.Equal(5, (await RunAsync(hub, "history", done)).Output.Split('\n').Count(line => line.Contains("\tTaskScheduled\t", StringComparison.Ordinal)));

        var folder = Directory.CreateTempSubdirectory("taskhub-cli-");
        try
        {
            var file = Path.Combine(folder.FullName, "history.json");
            Assert.Equal(0, (await RunAsync(hub, "export", done, "--out", file)).Code);
            Assert.Equal((0, "Sequence: the same in 6 turns\n"), await RunAsync(hub, "replay", file, "--assembly", typeof(SampleTasks).Assembly.Location));
            Assert.Equal((0, "Sequence: the same in 6 turns\n"), await RunAsync(hub, "replay", done, "--assembly", typeof(SampleTasks).Assembly.Location));

            await File.WriteAllTextAsync(file, (await File.ReadAllTextAsync(file)).Replace("PlusOne", "PlusTwo", StringComparison.Ordinal));
            var (differs, difference) = await RunAsync(hub, "replay", file, "--assembly", typeof(SampleTasks).Assembly.Location);
            Assert.Equal(1, differs);
            Assert.Contains("turn 1: The history has TaskScheduled 'PlusTwo' (#0)", difference, StringComparison.Ordinal);
        }
        finally
        {
            folder.Delete(recursive: true);
        }

        await Eventually.TrueAsync(
            async () => (await RunAsync(hub, "stuck", "--idle", "00:00:00.1")).Output.Contains($"{waiting}\tWaits", StringComparison.Ordinal), "the waiting instance is found");
        Assert.Equal((0, string.Empty), await RunAsync(hub, "parked", "--http", $"http://127.0.0.1:{hub.HttpPort}"));
        Assert.Equal(1, (await RunAsync(hub, "resume", "no-such-instance")).Code);
        Assert.Equal((0, "1 purged\n"), await RunAsync(hub, "purge", done));
        Assert.Equal(1, (await RunAsync(hub, "purge", waiting)).Code);
        await hub.Client.TerminateInstanceAsync(waiting, "enough");
        await hub.EndAsync(waiting);
        Assert.Equal((0, "1 purged\n"), await RunAsync(hub, "purge", "--before", DateTimeOffset.UtcNow.AddMinutes(1).ToString("O"), "--status", "Terminated"));
    }

    [Theory]
    [InlineData(2, "no command", "dance")]
    [InlineData(2, "instance id is missing", "show")]
    [InlineData(2, "needs a value", "list", "--top")]
    [InlineData(2, "no option --colour", "list", "--colour", "red")]
    [InlineData(2, "is not one of", "list", "--status", "Sleeping", "--connection", "Endpoint=http://127.0.0.1:1;TaskHub=h;Authentication=None")]
    [InlineData(2, "Which hub?", "show", "x")]
    [InlineData(0, "taskhub replay", "--help")]
    public async Task Wrong_use_is_explained(int expected, string text, params string[] args)
    {
        using var output = new StringWriter();
        Assert.Equal(expected, await TaskHubCommand.RunAsync(args, output, output, CancellationToken.None));
        Assert.Contains(text, output.ToString(), StringComparison.Ordinal);
    }

    private static async Task<(int Code, string Output)> RunAsync(HubHarness hub, params string[] args)
    {
        using var output = new StringWriter { NewLine = "\n" };
        var code = await TaskHubCommand.RunAsync([.. args, "--connection", hub.SchedulerConnectionString("default")], output, output, CancellationToken.None);
        return (code, output.ToString());
    }
}
