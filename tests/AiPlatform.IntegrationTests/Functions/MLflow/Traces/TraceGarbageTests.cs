using System.Net;
using AiPlatform.Contracts.Garbage;
using AiPlatform.IntegrationTests.Servers;
using Dapper;
using Npgsql;

namespace AiPlatform.IntegrationTests.Functions.MLflow.Traces;

[Collection(TrackingCollection.Name)]
public sealed class TraceGarbageTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>
{
    [Fact]
    public async Task What_belongs_to_an_experiment_that_is_purged_goes_with_it()
    {
        var project = await TraceFixture.CreateAsync(functions);
        var run = await project.MLflow.RunAsync(project.Experiment);
        await project.LogAsync(TraceFixture.Span(1, 1), TraceFixture.Span(1, 2, 1), TraceFixture.Span(2, 1));
        await project.MLflow.PostAsync("traces/link-to-run", new { trace_ids = new[] { TraceFixture.TraceId(1) }, run_id = run });
        await project.MLflow.PostAsync("traces/link-prompts", new { trace_id = TraceFixture.TraceId(1), prompt_versions = new[] { new { name = "a", version = "1" } } });
        await project.MLflow.PostAsync(
            $"traces/{TraceFixture.TraceId(1)}/assessments", new { assessment = new { assessment_name = "a", feedback = new { value = 1 }, source = new { source_type = "HUMAN" } } });
        await project.MLflow.PostAsync("scorers/register", new { experiment_id = project.Experiment, name = "judge", serialized_scorer = "{}" });
        await project.MLflow.PostAsync("experiments/delete", new { experiment_id = project.Experiment });

        // It can still be restored.
        await CollectAsync(new CollectGarbageRequest(Now: true));
        Assert.Equal(2, (await project.SearchAsync()).Count);
        var report = await CollectAsync(new CollectGarbageRequest(OlderThanSeconds: 0, Now: true));
        Assert.Equal((2, 1), (report.Released["traces"], report.Released["scorers"]));
        await project.MLflow.ErrorAsync($"traces/{TraceFixture.TraceId(1)}", null, HttpStatusCode.NotFound, "RESOURCE_DOES_NOT_EXIST");
        await using var connection = new NpgsqlConnection(functions.Postgres);
        Assert.Equal(0, await connection.ExecuteScalarAsync<long>(
            """
            SELECT (SELECT count(*) FROM trace_spans) + (SELECT count(*) FROM trace_assessments) + (SELECT count(*) FROM trace_runs) + (SELECT count(*) FROM trace_prompts)
                + (SELECT count(*) FROM scorer_versions)
            """));
    }

    private async Task<GarbageReport> CollectAsync(CollectGarbageRequest request)
        => await (await functions.AdministratorAsync()).Client.PostAsync<GarbageReport>("/v1/garbage/collect", request);
}
