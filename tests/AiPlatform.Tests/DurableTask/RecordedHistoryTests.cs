using AiPlatform.Contracts;
using AiPlatform.DurableTask;
using AiPlatform.DurableTask.Worker.Replay;
using AiPlatform.Orchestrations.Data;
using AiPlatform.Orchestrations.Maintenance;
using AiPlatform.Orchestrations.Quality;
using AiPlatform.Orchestrations.Training;
using Microsoft.Extensions.DependencyInjection;

namespace AiPlatform.Tests.DurableTask;

/// <summary>
/// Replays histories that the platform's own orchestrations left in a real hub. When one differs, instances that run during an
/// upgrade would break: give the change a version of its own, or keep the old path.
/// </summary>
public sealed class RecordedHistoryTests
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "DurableTask", "Recordings");

    private static IEnumerable<string> Names => Directory.EnumerateFiles(Folder, "*.json").Select(file => Path.GetFileNameWithoutExtension(file)!).Order(StringComparer.Ordinal);

    public static TheoryData<string> Recordings() => [.. Names];

    [Theory]
    [MemberData(nameof(Recordings))]
    public void The_code_still_does_what_was_recorded(string recording) => Assert.Null(Replay(recording, new JsonDataConverter(ContractsJson.Tolerant)).Difference);

    [Fact]
    public void There_is_a_recording_of_every_way_that_a_job_ends()
        => Assert.Empty(((string[])["job-succeeded", "job-cancelled", "job-failed", "job-retried"]).Except(Names, StringComparer.Ordinal));

    [Fact]
    public void There_are_recordings_of_imports_and_quality_reports()
        => Assert.Empty(((string[])["import-succeeded", "import-failed", "import-retried", "quality-succeeded", "quality-refused"]).Except(Names, StringComparer.Ordinal));

    [Fact]
    public void A_change_of_the_code_is_noticed()
    {
        var registry = new DurableTaskRegistry().AddOrchestratorFunc(nameof(TrainingJob), async (TaskOrchestrationContext context, object? _) =>
        {
            await context.CallActivityAsync("SomethingElse");
            return 0;
        });
        var difference = HistoryReplay.Run(registry, Read("job-succeeded"), Services()).Difference;
        Assert.Contains("TaskScheduled 'AdmitAttempt' (#0)", difference, StringComparison.Ordinal);
    }

    private static ReplayResult Replay(string recording, DataConverter converter)
        => HistoryReplay.Run(new DurableTaskRegistry().AddTraining().AddMaintenance().AddData().AddQuality(), Read(recording), Services(), converter);

    private static IReadOnlyList<AiPlatform.DurableTask.Protobuf.HistoryEvent> Read(string recording) => HistoryReplay.Read(File.ReadAllText(Path.Combine(Folder, recording + ".json")));

    private static ServiceProvider Services() => new ServiceCollection().BuildServiceProvider();
}
