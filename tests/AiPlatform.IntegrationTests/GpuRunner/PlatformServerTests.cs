using System.Collections.Concurrent;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Contracts.Runners;
using AiPlatform.GpuRunner;
using AiPlatform.GpuRunner.Lease;
using AiPlatform.GpuRunner.Report;
using AiPlatform.IntegrationTests.Functions;
using AiPlatform.IntegrationTests.Functions.Compute.Jobs;
using AiPlatform.IntegrationTests.Servers;
using Microsoft.Extensions.DependencyInjection;

namespace AiPlatform.IntegrationTests.GpuRunner;

/// <summary>The runner against the real API, database and store: a failed attempt and the one that goes on from its checkpoint.</summary>
[Collection(ComputeCollection.Name)]
public sealed class PlatformServerTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>
{
    private const string Code =
        """
        import aiplatform_runtime as aip
        print("data", (aip.dataset_path("numbers") / "train.csv").read_text())
        checkpoint = aip.load_checkpoint()
        first = 1 if checkpoint is None else checkpoint.step + 1
        for step in range(first, first + 50):
            aip.log_metrics({"loss": 1 / step}, step=step)
            if step == 30:
                aip.save_checkpoint({"step": step}, step=step)
        aip.log_params({"seen": "yes"})
        if checkpoint is None:
            raise SystemExit("no luck")
        open("model.onnx", "w").write("model")
        aip.log_model("model.onnx", metrics={"val_accuracy": 0.97})
        """;

    [Fact]
    public async Task An_attempt_that_fails_is_followed_by_one_that_goes_on_from_its_checkpoint()
    {
        var world = await JobWorld.CreateAsync(functions);
        await world.UploadDatasetAsync("numbers", ("train.csv", "1,2,3"));
        var queue = new RunnerHarness.MemoryQueue();
        var events = new ConcurrentQueue<JobEvent>();
        var data = Directory.CreateTempSubdirectory("aip-platform-").FullName;
        var app = GpuRunnerApp.Build(
            [
                $"--Runner:DataDirectory={data}", $"--Runner:ApiUrl={functions.App.Address}", $"--Runner:ClientSecret={FunctionsFixture.RunnerSecret}",
                "--Runner:HttpPort=0", "--Runner:Name=real", "--Runner:SystemMetricsInterval=00:00:00", "--Logging:LogLevel:Default=Critical",
            ],
            services => services.AddSingleton<INodeQueue>(queue).AddSingleton<IJobEventSink>(new RunnerHarness.ListSink(events)));
        try
        {
            await app.StartAsync();
            await Eventually.TrueAsync(
                async () => (await world.Client.GetAsync<Page<Runner>>("/v1/runners")).Items.Any(runner => runner is { Name: "real", Status: RunnerStatus.Online, Samples.Count: > 0 }),
                "the runner is online with samples");

            var job = await world.SubmitAsync(new SubmitJobRequest(
                Code: new JobCode("main.py", new Dictionary<string, string> { ["main.py"] = Code }), Datasets: [new JobDataset("numbers")]));
            var failed = await RunAsync(world, job, 1, queue, events);
            Assert.Equal((JobEventKind.Failed, 1), (failed.Kind, failed.ExitCode));
            Assert.Contains("no luck", failed.Reason, StringComparison.Ordinal);
            await world.EndAttemptAsync(job, 1, AttemptStatus.Failed);
            Assert.True((await world.SetStatusAsync(job, JobStatus.Retrying)).IsSuccessStatusCode);
            var finished = await RunAsync(world, job, 2, queue, events);
            Assert.Equal((JobEventKind.Finished, null), (finished.Kind, finished.Reason));

            var completeness = await world.Client.GetAsync<MetricsCompleteness>($"/v1/runs/{job.RunId}/metrics/completeness");
            Assert.True(completeness.Complete);
            Assert.Equal([(1, "0-0", 50L), (2, "0-0", 50L)], completeness.Sources.Select(source => (source.Attempt, source.Source, source.Count)).Order());

            // What the first attempt measured after its checkpoint is superseded.
            var points = await world.Client.GetAsync<Page<MetricPoint>>($"/v1/runs/{job.RunId}/metrics?key=loss&pageSize=500");
            Assert.Equal(Enumerable.Range(1, 80).Select(step => ((long)step, step <= 30 ? 1 : 2)), points.Items.Select(point => (point.Step, point.Attempt!.Value)));
            var artifacts = await world.Client.GetAsync<Page<Artifact>>($"/v1/runs/{job.RunId}/artifacts");
            Assert.Equal(["checkpoints/step-00000030/state.pickle", "model/model.onnx"], artifacts.Items.Select(artifact => artifact.Path));
            Assert.Equal("yes", (await world.Client.GetAsync<Run>($"/v1/runs/{job.RunId}")).Params["seen"]);
            var log = await world.Client.GetStringAsync($"/v1/jobs/{job.Id}/attempts/2/ranks/0/log?offset=0&limit=10000");
            Assert.Contains("data 1,2,3", log, StringComparison.Ordinal);
        }
        finally
        {
            await app.StopAsync();
            await app.DisposeAsync();
            Directory.Delete(data, recursive: true);
        }
    }

    private static async Task<JobEvent> RunAsync(JobWorld world, Job job, int attempt, RunnerHarness.MemoryQueue queue, ConcurrentQueue<JobEvent> events)
    {
        var admission = await world.AdmitAsync(job, attempt);
        Assert.True(admission.Admitted, admission.Reason);
        queue.Offered.Enqueue(Assert.Single(admission.Nodes));
        foreach (var kind in (string[])["first", "last"])
        {
            await RunnerHarness.UntilAsync(() => !events.IsEmpty, () => $"no {kind} event of attempt {attempt}");
            Assert.True(events.TryDequeue(out var next));
            await world.RaiseAsync(next);
            if (next.Kind != JobEventKind.Started)
            {
                return next;
            }
        }

        throw new InvalidOperationException("The node started twice.");
    }
}
