using System.Text.Json.Nodes;
using AiPlatform.Ports.Operations;

namespace AiPlatform.Operations.Lineage;

/// <summary>Makes facets, each with the producer and the URL of its published schema.</summary>
/// <param name="producer">The URI of the producer.</param>
internal sealed class OpenLineageFacets(string producer)
{
    /// <summary>The schema of run events.</summary>
    public const string RunEventSchema = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent";

    public JsonObject Version(string version)
        => Facet("1-0-1", "DatasetVersionDatasetFacet", new JsonObject { ["datasetVersion"] = version });

    public JsonObject Schema(IEnumerable<DatasetField> fields)
        => Facet("1-1-1", "SchemaDatasetFacet", new JsonObject
        {
            ["fields"] = new JsonArray([.. fields.Select(static field => new JsonObject { ["name"] = field.Name, ["type"] = field.Type })]),
        });

    public JsonObject QualityMetrics(DatasetFacets? known, long bytes, int files)
    {
        var columns = new JsonObject();
        foreach (var (name, metrics) in known?.Columns ?? new Dictionary<string, ColumnMetrics>())
        {
            columns[name] = Known(("nullCount", metrics.NullCount), ("distinctCount", metrics.DistinctCount), ("min", Finite(metrics.Min)), ("max", Finite(metrics.Max)), ("sum", Finite(metrics.Sum)));
        }

        var facet = Known(("rowCount", known?.RowCount), ("bytes", bytes), ("fileCount", files));
        facet["columnMetrics"] = columns;
        return Facet("1-0-2", "DataQualityMetricsInputDatasetFacet", facet);
    }

    public JsonObject Assertions(IEnumerable<DatasetAssertion> assertions)
        => Facet("1-0-1", "DataQualityAssertionsDatasetFacet", new JsonObject
        {
            ["assertions"] = new JsonArray([.. assertions.Select(static item =>
            {
                var entry = new JsonObject { ["assertion"] = item.Assertion, ["success"] = item.Success };
                if (item.Column is not null)
                {
                    entry["column"] = item.Column;
                }

                return entry;
            })]),
        });

    public JsonObject OutputStatistics(long bytes) => Facet("1-0-2", "OutputStatisticsOutputDatasetFacet", new JsonObject { ["size"] = bytes });

    public JsonObject Parent(string runId, string jobNamespace, string jobName)
        => Facet("1-0-1", "ParentRunFacet", new JsonObject
        {
            ["run"] = new JsonObject { ["runId"] = runId }, ["job"] = new JsonObject { ["namespace"] = jobNamespace, ["name"] = jobName },
        });

    public JsonObject ErrorMessage(string message)
        => Facet("1-0-1", "ErrorMessageRunFacet", new JsonObject { ["message"] = message, ["programmingLanguage"] = "PYTHON" });

    public JsonObject JobType(string type)
        => Facet("2-0-3", "JobTypeJobFacet", new JsonObject { ["processingType"] = "BATCH", ["integration"] = "AIPLATFORM", ["jobType"] = type });

    /// <summary>What the run is called here: a facet of our own, so of the general schema.</summary>
    public JsonObject Run(string name)
        => With("https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunFacet", new JsonObject { ["name"] = name });

    private static JsonObject Known(params (string Name, double? Value)[] values)
    {
        var result = new JsonObject();
        foreach (var (name, value) in values)
        {
            if (value is { } number)
            {
                result[name] = number == Math.Floor(number) && Math.Abs(number) < 1L << 53 ? JsonValue.Create((long)number) : JsonValue.Create(number);
            }
        }

        return result;
    }

    // JSON has no NaN and no infinity.
    private static double? Finite(double? value) => value is { } number && double.IsFinite(number) ? number : null;

    private JsonObject Facet(string version, string name, JsonObject content) => With($"https://openlineage.io/spec/facets/{version}/{name}.json#/$defs/{name}", content);

    private JsonObject With(string schema, JsonObject content)
    {
        content["_producer"] = producer;
        content["_schemaURL"] = schema;
        return content;
    }
}
