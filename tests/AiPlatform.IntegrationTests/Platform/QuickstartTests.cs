using System.Globalization;
using System.Text.RegularExpressions;
using AiPlatform.Local.Servers;
using AiPlatform.Local.Processes;
using AiPlatform.Local.Quickstart;

namespace AiPlatform.IntegrationTests.Platform;

[Collection(PlatformJobsCollection.Name)]
public sealed class QuickstartTests
{
    private const int Epochs = 15;

    // What training code has before it calls the runtime.
    private const string TrainingPreamble = """
        import os; os.makedirs("data/digits", exist_ok=True)
        open("state.pt", "wb").write(b"state"); open("model.onnx", "wb").write(b"model")
        pixels, values, rows = [[0, 255], [255, 0]], [0.1, 0.2], [["a.png", "7"]]
        y_true, y_pred = ["cat", "dog"], ["cat", "cat"]

        """;

    [Fact]
    public async Task The_quickstart_registers_a_model_with_its_lineage_every_snippet_of_the_READMEs_and_every_request_of_the_areas_runs_and_a_stop_leaves_nothing_running()
    {
        List<ProcessIdentity> processes;
        await using (var platform = await RunningPlatform.StartAsync())
        {
            processes = [.. platform.Platform.Endpoints.Processes.Values.Select(id => ProcessIdentity.Of(id)!)];
            Assert.Equal(8, processes.Count);
            var endpoints = Path.Combine(platform.Folder, "endpoints.json");
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(endpoints));

            await TaskHub.Conformance.RunAsync("platform.admin.mjs", ("ENDPOINTS", endpoints));

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

            // What starts the platform, its tests or one of its servers is started by other tests; the rest is what a reader tries on this platform.
            await ReadmeSnippets.RunAsync(platform, "README.md", "infra/up");
            await ReadmeSnippets.RunAsync(
                platform,
                ["functions/README.md", .. Directory.EnumerateFiles(Path.Combine(RepositoryFolders.Root, "functions", "areas"), "README.md", SearchOption.AllDirectories).Order(StringComparer.Ordinal)]);
            await ReadmeSnippets.RunAsync(platform, "gpu-runner/README.md");
            await ReadmeSnippets.RunPythonAsync(platform, "gpu-runner/README.md", TrainingPreamble);
            await HttpFileRun.RunAsync(platform);
        }

        Assert.All(processes, process => Assert.False(process.IsRunning()));
    }
}
