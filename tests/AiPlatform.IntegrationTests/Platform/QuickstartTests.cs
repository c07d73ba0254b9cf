using System.Globalization;
using System.Text.RegularExpressions;
using AiPlatform.Local.Processes;
using AiPlatform.Local.Quickstart;

namespace AiPlatform.IntegrationTests.Platform;

[Collection(PlatformCollection.Name)]
public sealed class QuickstartTests
{
    private const int Epochs = 15;

    [Fact]
    public async Task The_quickstart_trains_and_registers_a_model_with_its_lineage_and_a_stop_leaves_nothing_running()
    {
        List<ProcessIdentity> processes;
        await using (var platform = await RunningPlatform.StartAsync())
        {
            processes = [.. platform.Platform.Endpoints.Processes.Values.Select(id => ProcessIdentity.Of(id)!)];
            Assert.Equal(8, processes.Count);
            var endpoints = Path.Combine(platform.Folder, "endpoints.json");
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(endpoints));

            using var quickstart = platform.Quickstart(Epochs);
            Assert.True(await quickstart.RunAsync(CancellationToken.None), platform.Progress.ToString());

            Assert.True(quickstart.HasSucceeded);
            var steps = Regex.Matches(platform.Progress.ToString(), @"step\s+(?<step>\d+)\s+epoch", RegexOptions.NonBacktracking).Select(match => int.Parse(match.Groups["step"].Value, CultureInfo.InvariantCulture)).ToList();
            Assert.NotEmpty(steps);
            Assert.All(steps, step => Assert.InRange(step, 0, 10_000));
            var jobId = quickstart.JobId!;
            await platform.AssertTrainedExactlyOnceAsync(jobId, Epochs);
            var job = await platform.Api.GetJobAsync(jobId, CancellationToken.None);
            var model = await platform.Api.GetModelVersionAsync(QuickstartDemo.Project, QuickstartDemo.Model, 1, CancellationToken.None);
            Assert.True(model.Metrics["val_accuracy"] >= 0.95, $"accuracy {model.Metrics["val_accuracy"]}");
            Assert.Equal(job.RunId, model.Lineage.RunId);
            Assert.Equal(jobId, model.Lineage.JobId);
            Assert.Equal(("digits", 1), model.Lineage.DatasetVersions.Select(data => (data.Name, data.Version)).Single());
            var runners = job.Attempts[^1].Nodes.Select(node => node.RunnerId).Distinct().ToList();
            Assert.Equal(2, runners.Count);
        }

        Assert.All(processes, process => Assert.False(process.IsRunning()));
    }
}
