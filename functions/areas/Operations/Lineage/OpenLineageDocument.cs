using System.Text.Json.Nodes;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Compute;
using AiPlatform.Ports.Data;
using AiPlatform.Ports.Identity;
using AiPlatform.Ports.Operations;
using AiPlatform.Ports.Registry;
using AiPlatform.Ports.Tracking;
using Dapper;
using Microsoft.Extensions.Options;
using Npgsql;

namespace AiPlatform.Operations.Lineage;

/// <summary>
/// Makes OpenLineage 2-0-2 run events of what the platform knows: the experiment is the job, a training job is the run's parent, inputs and
/// outputs come from the lineage graph, with facets for version, schema, size, quality metrics and assertions where they are known.
/// </summary>
internal sealed class OpenLineageDocument(Database database, IEnumerable<IDatasetFacetSource> sources, IOptions<LineageOptions> options)
{
    private const int MaxDatasets = 500;

    /// <summary>The event as JSON in UTF-8; null when the run is not there any more.</summary>
    public async Task<byte[]?> BuildAsync(string runId, string eventType, DateTimeOffset at, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var run = await connection.QuerySingleOrDefaultAsync<RunFacts>(new CommandDefinition(
            $"""
            SELECT r.id, r.project_id, r.name, r.status_reason, p.name AS project, e.name AS experiment, j.id AS job_id, j.name AS job
            FROM {TrackingRelations.Runs} r JOIN {IdentityRelations.Projects} p ON p.id = r.project_id
            JOIN {TrackingRelations.Experiments} e ON e.id = r.experiment_id LEFT JOIN {ComputeRelations.Jobs} j ON j.id = r.job_id
            WHERE r.id = @runId
            """,
            new { runId },
            cancellationToken: cancellationToken));
        if (run is null)
        {
            return null;
        }

        var facets = new OpenLineageFacets(options.Value.Producer);
        var names = $"{options.Value.Namespace}/{run.Project}";
        var document = new JsonObject
        {
            ["eventType"] = eventType,
            ["eventTime"] = at.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", System.Globalization.CultureInfo.InvariantCulture),
            ["producer"] = options.Value.Producer,
            ["schemaURL"] = OpenLineageFacets.RunEventSchema,
            ["run"] = new JsonObject { ["runId"] = Uuid(run.Id), ["facets"] = RunFacets(run, eventType, names, facets) },
            ["job"] = new JsonObject
            {
                ["namespace"] = names,
                ["name"] = run.Experiment,
                ["facets"] = new JsonObject { ["jobType"] = facets.JobType(run.JobId is null ? "RUN" : "TRAINING_JOB") },
            },
            ["inputs"] = await InputsAsync(connection, run, names, facets, cancellationToken),
            ["outputs"] = await OutputsAsync(connection, run, names, facets, cancellationToken),
        };
        return System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(document);
    }

    private static JsonObject RunFacets(RunFacts run, string eventType, string names, OpenLineageFacets facets)
    {
        var result = new JsonObject { ["aiplatform_run"] = facets.Run(run.Name) };
        if (run.JobId is not null)
        {
            result["parent"] = facets.Parent(Uuid(run.JobId), names, $"jobs/{run.Job}");
        }

        if (eventType is "FAIL" or "ABORT")
        {
            result["errorMessage"] = facets.ErrorMessage(run.StatusReason ?? eventType);
        }

        return result;
    }

    private async Task<JsonArray> InputsAsync(NpgsqlConnection connection, RunFacts run, string names, OpenLineageFacets facets, CancellationToken cancellationToken)
    {
        await using var results = await connection.QueryMultipleAsync(new CommandDefinition(
            $"""
            SELECT DISTINCT v.id, v.name, v.version, v.file_count, v.size_bytes FROM lineage_edges l JOIN {DataRelations.DatasetVersions} v ON v.id = l.from_id
            WHERE l.to_id = ANY(@ends) AND l.from_kind = 'datasetVersion' AND l.relation = 'input' ORDER BY v.name, v.version LIMIT @MaxDatasets;
            SELECT DISTINCT x.namespace, x.name, x.version, x.facets::text AS facets FROM lineage_edges l JOIN lineage_external x ON x.id = l.from_id
            WHERE l.to_id = ANY(@ends) AND l.from_kind = 'externalDataset' AND l.relation = 'input' ORDER BY 1, 2, 3 LIMIT @MaxDatasets;
            SELECT m.name, m.id FROM lineage_edges l JOIN {TrackingRelations.LoggedModels} m ON m.id = l.from_id
            WHERE l.to_id = @run AND l.from_kind = 'loggedModel' AND l.relation = 'input' ORDER BY m.id LIMIT @MaxDatasets
            """,
            new { ends = new[] { run.Id, run.JobId ?? run.Id }, run = run.Id, MaxDatasets },
            cancellationToken: cancellationToken));
        var versions = (await results.ReadAsync<VersionFacts>()).AsList();
        var external = (await results.ReadAsync<ExternalFacts>()).AsList();
        var models = (await results.ReadAsync<(string Name, string Id)>()).AsList();
        var known = new Dictionary<string, DatasetFacets>(StringComparer.Ordinal);
        foreach (var source in sources)
        {
            foreach (var (id, value) in await source.ReadAsync(connection, versions.ConvertAll(static version => version.Id), cancellationToken))
            {
                known[id] = value;
            }
        }

        return
        [
            .. versions.Select(version => Version(version, known.GetValueOrDefault(version.Id), names, facets)),
            .. external.Select(item => External(item, facets)),
            .. models.Select(model => Dataset(names, $"logged-models/{model.Name}", new JsonObject { ["version"] = facets.Version(model.Id) })),
        ];
    }

    private static async Task<JsonArray> OutputsAsync(NpgsqlConnection connection, RunFacts run, string names, OpenLineageFacets facets, CancellationToken cancellationToken)
    {
        await using var results = await connection.QueryMultipleAsync(new CommandDefinition(
            $"""
            SELECT v.name, v.version, v.size_bytes FROM lineage_edges l JOIN {RegistryRelations.ModelVersions} v ON v.id = l.to_id
            WHERE l.from_id = @run AND l.to_kind = 'modelVersion' AND l.relation = 'produced' ORDER BY v.name, v.version LIMIT @MaxDatasets;
            SELECT m.name, m.id FROM lineage_edges l JOIN {TrackingRelations.LoggedModels} m ON m.id = l.to_id
            WHERE l.from_id = @run AND l.to_kind = 'loggedModel' AND l.relation = 'produced' ORDER BY m.id LIMIT @MaxDatasets
            """,
            new { run = run.Id, MaxDatasets },
            cancellationToken: cancellationToken));
        var versions = (await results.ReadAsync<(string Name, int Version, long? Size)>()).AsList();
        var models = (await results.ReadAsync<(string Name, string Id)>()).AsList();
        var outputs = new JsonArray();
        foreach (var (name, version, size) in versions)
        {
            var output = Dataset(names, $"models/{name}", new JsonObject { ["version"] = facets.Version($"{version}") });
            if (size is { } bytes)
            {
                output["outputFacets"] = new JsonObject { ["outputStatistics"] = facets.OutputStatistics(bytes) };
            }

            outputs.Add(output);
        }

        foreach (var (name, id) in models)
        {
            outputs.Add(Dataset(names, $"logged-models/{name}", new JsonObject { ["version"] = facets.Version(id) }));
        }

        return outputs;
    }

    private static JsonObject Version(VersionFacts version, DatasetFacets? known, string names, OpenLineageFacets facets)
    {
        var result = Dataset(names, version.Name, new JsonObject { ["version"] = facets.Version($"{version.Version}") });
        var input = new JsonObject { ["dataQualityMetrics"] = facets.QualityMetrics(known, version.SizeBytes, version.FileCount) };
        if (known is { Fields.Count: > 0 })
        {
            result["facets"]!["schema"] = facets.Schema(known.Fields);
        }

        if (known is { Assertions.Count: > 0 })
        {
            input["dataQualityAssertions"] = facets.Assertions(known.Assertions);
        }

        result["inputFacets"] = input;
        return result;
    }

    // What another tool said about its dataset is passed on as it came.
    private static JsonObject External(ExternalFacts item, OpenLineageFacets facets)
    {
        var passed = JsonNode.Parse(item.Facets)!.AsObject();
        if (item.Version.Length > 0)
        {
            passed["version"] = facets.Version(item.Version);
        }

        return Dataset(item.Namespace, item.Name, passed);
    }

    private static JsonObject Dataset(string names, string name, JsonObject facets) => new() { ["namespace"] = names, ["name"] = name, ["facets"] = facets };

    private static string Uuid(string id) => Guid.ParseExact(id, "N").ToString();

    private sealed class RunFacts
    {
        public required string Id { get; init; }

        public required string ProjectId { get; init; }

        public required string Name { get; init; }

        public string? StatusReason { get; init; }

        public required string Project { get; init; }

        public required string Experiment { get; init; }

        public string? JobId { get; init; }

        public string? Job { get; init; }
    }

    private sealed class VersionFacts
    {
        public required string Id { get; init; }

        public required string Name { get; init; }

        public int Version { get; init; }

        public int FileCount { get; init; }

        public long SizeBytes { get; init; }
    }

    private sealed class ExternalFacts
    {
        public required string Namespace { get; init; }

        public required string Name { get; init; }

        public required string Version { get; init; }

        public required string Facets { get; init; }
    }
}
