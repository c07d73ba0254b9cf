using System.Diagnostics;
using System.Globalization;
using AiPlatform.Client;
using AiPlatform.Contracts.Projects;
using AiPlatform.Contracts.Queues;
using AiPlatform.Local.Processes;

namespace AiPlatform.IntegrationTests.Platform;

/// <summary>Tasks under load while processes are killed. AIPLATFORM_CHAOS_SECONDS says for how long; 20 when it is not set.</summary>
[Collection(PlatformJobsCollection.Name)]
public sealed class TaskChaosTests
{
    private const string Pool = "default";
    private const int Batch = 200;
    private static readonly string[] Victims = ["functions", "orchestrations", "servicebus", "postgres"];
    private static readonly TimeSpan StepLimit = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task Every_accepted_task_succeeds_while_processes_are_killed()
    {
        var seconds = int.TryParse(Environment.GetEnvironmentVariable("AIPLATFORM_CHAOS_SECONDS"), CultureInfo.InvariantCulture, out var wanted) ? wanted : 20;
        await using var platform = await RunningPlatform.StartAsync();
        var project = (await platform.Api.CreateProjectAsync(new CreateProjectRequest("chaos"), CancellationToken.None)).Name;
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        var submitting = SubmitAsync(platform, project, stop.Token);
        for (var i = 0; !stop.IsCancellationRequested; i++)
        {
            await KillAsync(platform, Victims[i % Victims.Length]);
        }

        var accepted = await submitting;
        var waited = Stopwatch.StartNew();
        TaskQueue queue;
        while ((queue = await platform.Api.GetQueueAsync(project, Pool, CancellationToken.None)).Counts.Count > 0)
        {
            Assert.True(waited.Elapsed < StepLimit, $"Still there: {string.Join(", ", queue.Counts)}\n{platform.Progress}");
            await Task.Delay(200);
        }

        Assert.NotEmpty(accepted);
        Assert.Empty(accepted.Except(await SucceededAsync(platform, project), StringComparer.Ordinal));
    }

    private static async Task<List<string>> SubmitAsync(RunningPlatform platform, string project, CancellationToken stop)
    {
        var accepted = new List<string>();
        // A kill may be the end of one attempt: each has many.
        var request = new SubmitTasksRequest([.. Enumerable.Repeat(new SubmitTaskRequest(TaskHandlers.Noop, Retry: new TaskRetry(MaxAttempts: 50, FirstDelaySeconds: 0.1)), Batch)]);
        while (!stop.IsCancellationRequested)
        {
            try
            {
                accepted.AddRange((await platform.Api.SubmitTasksAsync(project, Pool, request, CancellationToken.None)).Tasks.Select(task => task.Id));
            }
            catch (Exception exception) when (exception is ApiException or HttpRequestException)
            {
                // Nobody was told that these were accepted; a process that died holds their idempotency key for a while.
                platform.Progress.Report($"A submission failed: {exception.Message}");
            }

            await Task.Delay(250, CancellationToken.None);
        }

        return accepted;
    }

    private static async Task KillAsync(RunningPlatform platform, string victim)
    {
        var before = platform.Platform.Endpoints.Processes[victim];
        platform.Progress.Report($"kill -9 {victim} ({before})");
        Assert.True(Signals.Send(before, Signals.Kill));
        var waited = Stopwatch.StartNew();
        while (!platform.Progress.Lines.Last(line => line.Contains($" {victim} ", StringComparison.Ordinal)).EndsWith("runs again", StringComparison.Ordinal))
        {
            Assert.True(waited.Elapsed < StepLimit, $"{victim} does not run again:\n{platform.Progress}");
            await Task.Delay(100);
        }
    }

    private static async Task<List<string>> SucceededAsync(RunningPlatform platform, string project)
    {
        var ids = new List<string>();
        string? token = null;
        do
        {
            var page = await platform.Api.ListQueueTasksAsync(project, Pool, QueueTaskStatus.Succeeded, 500, token, CancellationToken.None);
            ids.AddRange(page.Items.Select(task => task.Id));
            token = page.NextPageToken;
        }
        while (token is not null);

        return ids;
    }
}
