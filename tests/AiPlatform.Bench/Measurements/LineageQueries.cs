using System.Diagnostics;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using AiPlatform.Bench.Platform;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Lineage;
using AiPlatform.Contracts.Projects;

namespace AiPlatform.Bench.Measurements;

/// <summary>
/// A graph of 100,000 edges, sent as OpenLineage events: ten layers of 2,500 runs, each of which reads two datasets of its layer and writes two of
/// the next. Then ten levels up and down from random datasets. Target: under 50 ms.
/// </summary>
internal static class LineageQueries
{
    private const int Layers = 10;
    private const int Runs = 2_500;
    private const int Batch = 500;
    private const int Queries = 100;
    private const int Depth = 10;

    public static async Task<object> MeasureAsync(PlatformProcess platform, CancellationToken cancellationToken)
    {
        var project = $"bench-{Guid.NewGuid():N}"[..30];
        await platform.Api.CreateProjectAsync(new CreateProjectRequest(project), cancellationToken);
        using var http = new HttpClient { BaseAddress = platform.ApiUrl };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", await platform.Tokens.GetTokenAsync(null, cancellationToken));
        var fill = Stopwatch.StartNew();
        for (var layer = 0; layer < Layers; layer++)
        {
            for (var first = 0; first < Runs; first += Batch)
            {
                using var content = JsonContent.Create(Enumerable.Range(first, Batch).Select(run => Event(layer, run)));
                using var answer = await http.PostAsync($"p/{project}/api/v1/lineage/batch", content, cancellationToken);
                answer.EnsureSuccessStatusCode();
            }
        }

        var filled = fill.Elapsed;
        await DatasetAsync(http, project, 0, 0, cancellationToken); // warm
        var down = await TimeAsync(http, project, 0, "downstream", cancellationToken);
        var up = await TimeAsync(http, project, Layers, "upstream", cancellationToken);
        return new
        {
            edges = Layers * Runs * 4,
            eventsPerSecond = Math.Round(Layers * Runs / filled.TotalSeconds),
            depth = Depth,
            downstreamMilliseconds = down.Times,
            downstreamEdges = down.Edges,
            upstreamMilliseconds = up.Times,
            upstreamEdges = up.Edges,
            targetMilliseconds = 50,
        };
    }

    private static async Task<(Percentiles Times, double Edges)> TimeAsync(HttpClient http, string project, int layer, string direction, CancellationToken cancellationToken)
    {
        var (times, edges) = (new List<double>(Queries), 0L);
        for (var i = 0; i < Queries; i++)
        {
            var id = await DatasetAsync(http, project, layer, i * 23, cancellationToken);
            var clock = Stopwatch.StartNew();
            var graph = await http.GetFromJsonAsync<LineageGraph>($"v1/lineage/externalDataset/{id}?depth={Depth}&direction={direction}", ContractsJson.Tolerant, cancellationToken);
            times.Add(clock.Elapsed.TotalMilliseconds);
            edges += graph!.Upstream.Count + graph.Downstream.Count;
        }

        return (Percentiles.Of(times), Math.Round(edges / (double)Queries));
    }

    private static async Task<string> DatasetAsync(HttpClient http, string project, int layer, int number, CancellationToken cancellationToken)
        => (await http.GetFromJsonAsync<Page<ExternalThing>>(
            $"v1/projects/{project}/lineage-external?kind=externalDataset&namespace=bench&name={Name(layer, number)}", ContractsJson.Tolerant, cancellationToken))!.Items.Single().Id;

    private static Dictionary<string, object> Event(int layer, int run) => new(StringComparer.Ordinal)
    {
        ["eventType"] = "COMPLETE",
        ["eventTime"] = "2026-01-01T00:00:00Z",
        ["producer"] = "https://bench.example",
        ["schemaURL"] = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        ["run"] = new { runId = Guid.NewGuid() },
        ["job"] = new { @namespace = "bench", name = $"job-{layer}" },
        ["inputs"] = new[] { Dataset(layer, run), Dataset(layer, (run * 7) + 3) },
        ["outputs"] = new[] { Dataset(layer + 1, run), Dataset(layer + 1, (run * 11) + 5) },
    };

    private static object Dataset(int layer, int number) => new { @namespace = "bench", name = Name(layer, number) };

    private static string Name(int layer, int number) => $"layer-{layer}-{number % Runs}";
}
