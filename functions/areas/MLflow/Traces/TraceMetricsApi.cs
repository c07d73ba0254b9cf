using AiPlatform.Kernel.Postgres;
using AiPlatform.MLflow.Http;
using AiPlatform.MLflow.Tracking;
using AiPlatform.Ports.MLflow;
using AiPlatform.Tracking.Experiments;
using AiPlatform.Tracking.Search;
using Dapper;

namespace AiPlatform.MLflow.Traces;

/// <summary><c>POST traces/metrics</c>: counts, latencies, tokens and assessments, grouped and over time.</summary>
internal sealed class TraceMetricsApi(Database database, ExperimentDirectory experiments)
{
    private const int DefaultResults = 1_000;
    private const int MaxResults = 1_000;
    private const int MaxExperiments = 1_000;

    /// <summary>Answers data points.</summary>
    public async Task QueryAsync(MLflowCall call)
    {
        var limit = Math.Min(MaxResults, call.MaxResults(DefaultResults, 50_000));
        var offset = Offsets.Read(call.Text("page_token"));
        var metrics = TraceMetrics.Read(call);
        var rows = await RowsAsync(call, metrics, limit + 1, offset);
        await call.WriteAsync(json =>
        {
            json.WriteStartArray("data_points"u8);
            foreach (var row in rows.Take(limit))
            {
                var values = metrics.Labels.Zip(row.Skip(metrics.Dimensions.Count)).Where(static pair => pair.Second is double).ToList();
                if (values.Count == 0)
                {
                    continue;
                }

                json.WriteStartObject();
                json.WriteString("metric_name"u8, metrics.Name);
                json.WriteStartObject("dimensions"u8);
                foreach (var (dimension, value) in metrics.Dimensions.Zip(row))
                {
                    json.WriteString(dimension, value as string);
                }

                json.WriteEndObject();
                json.WriteStartObject("values"u8);
                foreach (var (label, value) in values)
                {
                    json.WriteNumber(label, (double)value!);
                }

                json.WriteEndObject();
                json.WriteEndObject();
            }

            json.WriteEndArray();
            if (rows.Count > limit)
            {
                json.WriteString("next_page_token"u8, Offsets.Write(offset + limit));
            }
        });
    }

    private async Task<List<object?[]>> RowsAsync(MLflowCall call, TraceMetrics metrics, int limit, int offset)
    {
        var asked = call.Texts("experiment_ids");
        if (asked.Count > MaxExperiments)
        {
            throw MLflowException.Invalid($"At most {MaxExperiments} experiments can be searched. Got {asked.Count}.");
        }

        var scope = TraceScope.Of(call);
        metrics.Parameters.Add("project", scope.ProjectId);
        metrics.Parameters.Add("author", scope.Author);
        metrics.Parameters.Add("experiments", await experiments.ResolveAsync(call.ProjectId, asked, call.Token));
        metrics.Parameters.Add("limit", limit);
        metrics.Parameters.Add("offset", offset);
        await using var connection = await database.OpenAsync(call.Token);
        await using var reader = await connection.ExecuteReaderAsync(new CommandDefinition(metrics.Sql, metrics.Parameters, cancellationToken: call.Token));
        var rows = new List<object?[]>();
        while (await reader.ReadAsync(call.Token))
        {
            var row = new object?[reader.FieldCount];
            for (var i = 0; i < row.Length; i++)
            {
                row[i] = await reader.IsDBNullAsync(i, call.Token) ? null : reader.GetValue(i);
            }

            rows.Add(row);
        }

        return rows;
    }
}
