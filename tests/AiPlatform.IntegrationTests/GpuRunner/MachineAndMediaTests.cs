using System.Text;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Contracts.Jobs;

namespace AiPlatform.IntegrationTests.GpuRunner;

public sealed class MachineAndMediaTests
{
    private static readonly string[] Names =
    [
        "cpu_utilization_percentage", "system_memory_usage_megabytes", "system_memory_usage_percentage", "disk_usage_megabytes", "disk_usage_percentage",
        "disk_available_megabytes", "network_receive_megabytes", "network_transmit_megabytes", "job_memory_usage_megabytes", "job_cpu_utilization_percentage",
    ];

    [Fact]
    public async Task What_a_node_uses_is_in_its_run_numbered_and_of_its_attempt()
    {
        await using var harness = await RunnerHarness.StartAsync("--Runner:SystemMetricsInterval=00:00:00.2");
        harness.Submit("import os\nkeep = bytearray(b'x' * 30_000_000)\nwhile not os.path.exists('enough'): pass");
        await RunnerHarness.UntilAsync(
            () => Names.All(name => harness.Platform.Points.Values.Any(point => point.Key == $"system/0/{name}"))
                && harness.Platform.Points.Values.Any(static point => point is { Key: "system/0/job_cpu_utilization_percentage", Value: > 1 })
                && harness.Platform.Points.Values.Any(static point => point is { Key: "system/0/job_memory_usage_megabytes", Value: > 30 }),
            () => string.Join('\n', harness.Platform.Points.Values));
        await File.WriteAllTextAsync(Path.Combine(harness.NodeDirectory(), "work", "code", "enough"), "");
        Assert.Equal(JobEventKind.Finished, (await harness.EndAsync()).Kind);
        var points = harness.Platform.Points.OrderBy(point => point.Key.Sequence).ToList();
        Assert.Equal(Enumerable.Range(0, points.Count).Select(i => (1, "system-0", (long)i)), points.Select(point => point.Key));
        var byName = points.ToLookup(point => point.Value.Key, point => point.Value);
        Assert.All(Names, name => Assert.True(byName.Contains($"system/0/{name}"), $"{name} is missing"));
        Assert.All(points, point => Assert.True(double.IsFinite(point.Value.Value) && point.Value.Value >= 0, point.Value.ToString()));
        Assert.All(byName["system/0/cpu_utilization_percentage"], point => Assert.InRange(point.Value, 0, 100));

        // The job held 30 MB and worked: its own readings say so.
        Assert.True(byName["system/0/job_memory_usage_megabytes"].Max(point => point.Value) > 30);
        Assert.True(byName["system/0/job_cpu_utilization_percentage"].Max(point => point.Value) > 1);
        var first = points[0].Value;
        Assert.Equal(first.Timestamp.ToUnixTimeSeconds(), first.Step);
        Assert.Empty(harness.Platform.Resumes);
    }

    [Fact]
    public async Task Media_of_the_code_arrive_once_with_their_step_and_attempt()
    {
        await using var harness = await RunnerHarness.StartAsync();
        harness.Submit(
            """
            import aiplatform_runtime as aip
            aip.log_image("val/samples", [[0, 255], [255, 0]], step=3, caption="two by two")
            aip.log_text("out", "said", step=4)
            aip.log_confusion_matrix("confusion", [0, 1], [1, 1], step=5)
            try:
                aip.log_text("../out", "x", step=1)
            except aip.RunnerError as error:
                aip.set_tags({"refused": str(error)})
            """);
        Assert.Equal(JobEventKind.Finished, (await harness.EndAsync()).Kind);
        var media = harness.Platform.Media.ToArray();
        Assert.Equal(
            [new LogMediaRequest("val/samples", MediaKind.Image, 3, "two by two", 1), new LogMediaRequest("out", MediaKind.Text, 4, null, 1), new LogMediaRequest("confusion", MediaKind.ConfusionMatrix, 5, null, 1)],
            media.Select(item => item.Request));
        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], media[0].Bytes[..4]);
        Assert.Equal("said", Encoding.UTF8.GetString(media[1].Bytes));
        Assert.Equal("""{"labels":["0","1"],"matrix":[[0,1],[0,1]]}""", Encoding.UTF8.GetString(media[2].Bytes));
        Assert.Contains("segment of dots only", harness.Platform.Tags["refused"], StringComparison.Ordinal);
        Assert.Empty(harness.Platform.Artifacts);
    }
}
