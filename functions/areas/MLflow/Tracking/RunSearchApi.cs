using AiPlatform.Kernel.Postgres;
using AiPlatform.MLflow.Http;
using AiPlatform.Ports.MLflow;
using AiPlatform.Tracking.Experiments;
using AiPlatform.Tracking.Metrics;
using AiPlatform.Tracking.Search;
using AiPlatform.Tracking.Search.Index;
using Dapper;

namespace AiPlatform.MLflow.Tracking;

/// <summary><c>runs/search</c>: in memory where the experiments are kept there, else in SQL.</summary>
internal sealed class RunSearchApi(Database database, ExperimentDirectory experiments, RunIndexes indexes, MetricSummaries summaries)
{
    private const int DefaultResults = 1_000;
    private const int MaxResults = 50_000;

    /// <summary><c>runs/search</c>.</summary>
    public async Task SearchAsync(MLflowCall call)
    {
        var limit = call.Number("max_results") is > MaxResults and var asked
            ? throw MLflowException.Value("max_results", $"{asked}")
            : call.MaxResults(DefaultResults, MaxResults);
        var offset = Offsets.Read(call.Text("page_token"));
        var query = new RunQuery(
            LifecycleView.Of(call.Text("run_view_type")),
            FilterParser.Parse(call.Text("filter"), SearchDialect.Runs),
            FilterParser.Order(call.Texts("order_by"), SearchDialect.Runs));
        var ids = await experiments.ResolveAsync(call.ProjectId, call.Texts("experiment_ids"), call.Token);
        if (await indexes.FindAsync(call.ProjectId, ids, call.Token) is { } table)
        {
            var found = new RunMatcher(query).Search(table);
            await WriteAsync(call, found.Skip(offset).Take(limit), found.Length > (long)offset + limit ? offset + limit : null, static (run, json) => run.WriteKept(json));
        }
        else
        {
            var found = ids.Length == 0 ? [] : await QueryAsync(call, ids, query, limit + 1, offset);
            await WriteAsync(call, found.Take(limit), found.Count > limit ? offset + limit : null, static (run, json) =>
            {
                json.WriteStartObject();
                run.Write(json);
                json.WriteEndObject();
            });
        }
    }

    private async Task<List<RunDocument>> QueryAsync(MLflowCall call, string[] experimentIds, RunQuery query, int limit, int offset)
    {
        await summaries.EnsureExperimentsAsync(experimentIds, call.Token);
        var found = new List<RunDocument>();
        await using var connection = await database.OpenAsync(call.Token);
        await using (var reader = await connection.ExecuteReaderAsync(query.ToCommand(RunDocuments.Columns, call.ProjectId, experimentIds, limit, offset, call.Token)))
        {
            while (await reader.ReadAsync(call.Token))
            {
                found.Add(RunDocuments.Of(reader));
            }
        }

        if (found.Count > 0)
        {
            await RunDocuments.CompleteAsync(connection, found, call.Token);
        }

        return found;
    }

    private static Task WriteAsync(MLflowCall call, IEnumerable<RunDocument> page, int? next, Action<RunDocument, System.Text.Json.Utf8JsonWriter> write) => call.WriteAsync(json =>
    {
        json.WriteStartArray("runs"u8);
        foreach (var run in page)
        {
            write(run, json);
        }

        json.WriteEndArray();
        if (next is { } offset)
        {
            json.WriteString("next_page_token"u8, Offsets.Write(offset));
        }
    });
}
