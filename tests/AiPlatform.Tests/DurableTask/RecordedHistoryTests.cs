using AiPlatform.Contracts;
using AiPlatform.Orchestrations.Data;
using AiPlatform.Orchestrations.Maintenance;
using AiPlatform.Orchestrations.Quality;
using AiPlatform.Orchestrations.Training;
using AiPlatform.TaskHub.Cli.Replay;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Converters;
using Microsoft.DurableTask.Protobuf;

namespace AiPlatform.Tests.DurableTask;

/// <summary>
/// Replays histories that the platform's own orchestrations left in a real hub, those of earlier versions and of earlier workers too.
/// When one differs, instances that run during an upgrade would break: give the change a version of its own, or keep the old path.
/// </summary>
public sealed class RecordedHistoryTests
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "DurableTask", "Recordings");

    private static IEnumerable<string> Names
        => Directory.EnumerateFiles(Folder, "*.json").Select(file => Path.GetFileNameWithoutExtension(file)!).Order(StringComparer.Ordinal);

    public static TheoryData<string> Recordings() => [.. Names];

    [Theory]
    [MemberData(nameof(Recordings))]
    public async Task The_code_still_does_what_was_recorded(string recording)
    {
        var result = await ReplayAsync(recording, static tasks => tasks.AddTraining().AddMaintenance().AddData().AddQuality());
        Assert.True(result.Difference is null, $"turn {result.Turns}: {result.Difference}");
    }

    [Fact]
    public void There_is_a_recording_of_every_way_that_a_job_ends()
        => Assert.Empty(((string[])["job-succeeded", "job-cancelled", "job-failed", "job-retried"]).Except(Names, StringComparer.Ordinal));

    [Fact]
    public void There_are_recordings_of_imports_and_quality_reports()
        => Assert.Empty(
            ((string[])["import-succeeded", "import-failed", "import-retried", "import-gave-up", "quality-succeeded", "quality-refused"])
                .Except(Names, StringComparer.Ordinal));

    [Fact]
    public async Task A_change_of_the_code_is_noticed()
    {
        var changed = await ReplayAsync("job-succeeded", Other(async context =>
        {
            await context.CallActivityAsync("SomethingElse");
            return 0;
        }));
        Assert.Contains("TaskScheduled 'AdmitAttempt' (#0), but the code did ScheduleTask 'SomethingElse'", changed.Difference, StringComparison.Ordinal);
        var more = await ReplayAsync("job-succeeded", Other(async context =>
        {
            await Task.WhenAll(context.CallActivityAsync("AdmitAttempt"), context.CallActivityAsync("Added"));
            return 0;
        }));
        Assert.Contains("The code did ScheduleTask 'Added' (#1)", more.Difference, StringComparison.Ordinal);
        var nothing = await ReplayAsync("job-succeeded", Other(_ => Task.FromResult(1)));
        Assert.Contains("TaskScheduled 'AdmitAttempt' (#0), but the code did nothing", nothing.Difference, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_end_is_noticed()
    {
        var history = Read("import-failed").ToList();
        history[^1] = history[^1].Clone();
        history[^1].ExecutionCompleted.Result = "\"succeeded\"";
        var other = await HistoryReplay.RunAsync(static tasks => tasks.AddData(), history, Converter(), CancellationToken.None);
        Assert.Equal("The history ends with \"succeeded\", but the code ends with \"failed\".", other.Difference);
        history[^1].ExecutionCompleted.OrchestrationStatus = OrchestrationStatus.Failed;
        other = await HistoryReplay.RunAsync(static tasks => tasks.AddData(), history, Converter(), CancellationToken.None);
        Assert.Equal("The history ends as Failed, but the code ends as Completed.", other.Difference);
        await Assert.ThrowsAsync<ArgumentException>(() => HistoryReplay.RunAsync(static _ => { }, [], null, CancellationToken.None));
    }

    private static Action<DurableTaskRegistry> Other(Func<TaskOrchestrationContext, Task<int>> run)
        => tasks => tasks.AddOrchestratorFunc<object?, int>(nameof(TrainingJob), (context, _) => run(context));

    private static Task<ReplayResult> ReplayAsync(string recording, Action<DurableTaskRegistry> tasks)
        => HistoryReplay.RunAsync(tasks, Read(recording), Converter(), CancellationToken.None);

    private static JsonDataConverter Converter() => new(ContractsJson.Tolerant);

    private static IReadOnlyList<HistoryEvent> Read(string recording) => HistoryReplay.Read(File.ReadAllText(Path.Combine(Folder, recording + ".json")));
}
