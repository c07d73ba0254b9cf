using System.Diagnostics;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Contracts.Jobs;

namespace AiPlatform.IntegrationTests.GpuRunner;

/// <summary>The built-in recipe on the real digits with two ranks, and once more from a checkpoint.</summary>
public sealed class RecipeTests
{
    private const string Export =
        """
        import csv, sys
        from sklearn.datasets import load_digits
        digits = load_digits()
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(["label"] + [f"p{i}" for i in range(64)])
        writer.writerows([int(label)] + [int(pixel) for pixel in image] for label, image in zip(digits.target, digits.data))
        """;

    [Fact]
    public async Task The_image_classifier_trains_on_two_ranks_exports_its_model_and_resumes()
    {
        await using var harness = await RunnerHarness.StartAsync();
        var digits = harness.Platform.Serve("digits.csv", await DigitsAsync());
        void Configure(RunnerHarness.Builder builder) => builder.Assignment = builder.Assignment with
        {
            Spec = builder.Assignment.Spec with { Code = null, Recipe = "image-classifier" },
            Datasets = [new("digits", 1, [digits])],
        };

        harness.Submit("", ranks: 2, parameters: """{"epochs": 4, "lr": 0.005}""", configure: Configure);
        var end = await harness.EndAsync();
        Assert.Equal((JobEventKind.Finished, null), (end.Kind, end.Reason));
        Assert.Equal("2", harness.Platform.Params["worldSize"]);
        var model = harness.Platform.Artifacts["model/model.onnx"];
        Assert.Equal(ArtifactKind.Model, model.Kind);
        Assert.InRange(model.Metrics!["val_accuracy"], 0.9, 1);
        Assert.Equal(model.Size, harness.Platform.Blobs["run1-model-model.onnx"].Length);
        var keys = harness.Platform.Points.Values.Select(point => point.Key).ToHashSet();
        Assert.Superset(new HashSet<string> { "loss", "lr", "accuracy", "val_accuracy", "val_loss", "throughput" }, keys);

        var checkpoints = harness.Platform.Artifacts.Values.Where(artifact => artifact.Kind == ArtifactKind.Checkpoint).OrderBy(artifact => artifact.Step).ToList();
        Assert.Equal(4, checkpoints.Count);
        var second = checkpoints[1];
        harness.Submit(
            "", ranks: 2, attempt: 2, parameters: """{"epochs": 4, "lr": 0.005}""",
            configure: builder =>
            {
                Configure(builder);
                builder.Assignment = builder.Assignment with
                {
                    Checkpoint = new(second.Path, second.Size, second.Sha256, second.Kind, second.Step, second.Metrics, 1, DateTimeOffset.UtcNow)
                    {
                        DownloadUrl = $"{harness.Platform.Url}/blobs/run1-{second.Path.Replace('/', '-')}",
                    },
                };
            });
        end = await harness.EndAsync(attempt: 2);
        Assert.Equal((JobEventKind.Finished, null), (end.Kind, end.Reason));
        Assert.Contains($"resumed after epoch 2, step {second.Step}", harness.Log(attempt: 2), StringComparison.Ordinal);
        Assert.Equal([(2, second.Step!.Value)], harness.Platform.Resumes);
        Assert.Equal(second.Step + 1, harness.Platform.Points.Where(point => point.Key.Attempt == 2).Min(point => point.Value.Step));
    }

    private static async Task<byte[]> DigitsAsync()
    {
        using var python = Process.Start(new ProcessStartInfo("/usr/bin/python3", ["-c", Export]) { RedirectStandardOutput = true, UseShellExecute = false })!;
        using var content = new MemoryStream();
        await python.StandardOutput.BaseStream.CopyToAsync(content);
        await python.WaitForExitAsync();
        Assert.Equal(0, python.ExitCode);
        return content.ToArray();
    }
}
