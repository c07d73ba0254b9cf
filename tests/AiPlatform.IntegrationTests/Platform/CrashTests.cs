using System.Diagnostics;
using AiPlatform.Local.Processes;

namespace AiPlatform.IntegrationTests.Platform;

[Collection(PlatformCollection.Name)]
public sealed class CrashTests
{
    /// <summary>Long enough that every kill happens while the job trains.</summary>
    private const int Epochs = 20;

    private static readonly string[] Victims = ["functions", "orchestrations", "taskhub", "servicebus", "runner-1", "postgres", "blob"];
    private static readonly TimeSpan StepLimit = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task Every_process_is_killed_in_turn_and_the_job_still_succeeds_with_each_point_stored_once()
    {
        await using var platform = await RunningPlatform.StartAsync();
        using var quickstart = platform.Quickstart(Epochs);
        var running = quickstart.RunAsync(CancellationToken.None);
        await UntilAsync(platform, running, "the job logs metrics", () => HasMetricsAsync(platform, quickstart.JobId));

        foreach (var victim in Victims)
        {
            var before = platform.Platform.Endpoints.Processes[victim];
            platform.Progress.Report($"kill -9 {victim} ({before})");
            Assert.True(Signals.Send(before, Signals.Kill));
            await UntilAsync(
                platform,
                running,
                $"{victim} runs again",
                () => Task.FromResult(platform.Progress.Lines.Last(line => line.Contains($" {victim} ", StringComparison.Ordinal)).EndsWith("runs again", StringComparison.Ordinal)));
        }

        Assert.True(await running, platform.Progress.ToString());
        await platform.AssertTrainedExactlyOnceAsync(quickstart.JobId!, Epochs);
    }

    private static async Task<bool> HasMetricsAsync(RunningPlatform platform, string? jobId)
    {
        if (jobId is null)
        {
            return false;
        }

        var job = await platform.Api.GetJobAsync(jobId, CancellationToken.None);
        return (await platform.Api.GetRunAsync(job.RunId, CancellationToken.None)).Metrics.Count > 0;
    }

    private static async Task UntilAsync(RunningPlatform platform, Task<bool> running, string what, Func<Task<bool>> isSoAsync)
    {
        var waited = Stopwatch.StartNew();
        while (!await isSoAsync())
        {
            Assert.False(running.IsCompleted, $"The quickstart ended before {what}:\n{platform.Progress}");
            Assert.True(waited.Elapsed < StepLimit, $"Not within {StepLimit.TotalMinutes} min: {what}\n{platform.Progress}");
            await Task.Delay(100);
        }
    }
}
