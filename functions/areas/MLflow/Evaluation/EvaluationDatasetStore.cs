using System.Security.Cryptography;
using System.Text;
using AiPlatform.Kernel.Postgres;
using AiPlatform.MLflow.Tracking;
using AiPlatform.Ports.MLflow;
using AiPlatform.Ports.Tracking;
using AiPlatform.Tracking.Experiments;
using AiPlatform.Tracking.Search;
using Dapper;

namespace AiPlatform.MLflow.Evaluation;

/// <summary>Evaluation datasets of projects and the experiments that they belong to.</summary>
internal sealed class EvaluationDatasetStore(Database database, ExperimentDirectory experiments, TimeProvider time)
{
    private const string UserTag = "mlflow.user";

    private static readonly SearchColumns Columns = new(
        static attribute => attribute switch
        {
            "name" => "d.name",
            "created_time" => "floor(extract(epoch FROM d.created_at) * 1000)",
            "last_update_time" => "floor(extract(epoch FROM d.updated_at) * 1000)",
            "created_by" => "d.created_by",
            "last_updated_by" => "d.updated_by",
            _ => throw MLflowException.Invalid($"Invalid attribute key '{attribute}'."),
        },
        static (_, _) => new EntityRows("jsonb_each_text(d.tags) AS {0} (key, value)", "{0}.key = {1}", "{0}.value"));

    /// <summary>Adds a dataset; its id.</summary>
    public async Task<string> CreateAsync(
        string projectId, string name, IReadOnlyDictionary<string, string> tags, IReadOnlyList<string> experimentIds, string? schema, string? profile, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var id = $"d-{Guid.CreateVersion7(now):N}";
        var owned = await OwnExperimentsAsync(projectId, experimentIds, cancellationToken);
        await database.InWorkAsync(
            async work =>
            {
                await work.ExecuteAsync(
                    """
                    INSERT INTO evaluation_datasets (id, project_id, name, tags, schema, profile, digest, created_by, updated_by, created_at, updated_at)
                    VALUES (@id, @projectId, @name, @tags::jsonb, @schema, @profile, @digest, @by, @by, @now, @now)
                    """,
                    new { id, projectId, name, tags = JsonTags.Write(tags), schema, profile, digest = Digest(name, now), by = tags.GetValueOrDefault(UserTag), now });
                await AddExperimentsAsync(work, id, owned);
            },
            cancellationToken);
        return id;
    }

    /// <summary>A dataset of the project.</summary>
    /// <exception cref="MLflowException">RESOURCE_DOES_NOT_EXIST.</exception>
    public async Task<EvaluationDatasetRow> RequireAsync(string projectId, string id, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<EvaluationDatasetRow>(new CommandDefinition(
                $"SELECT {EvaluationDatasetRow.Columns} FROM evaluation_datasets d WHERE d.project_id = @projectId AND d.id = @id", new { projectId, id }, cancellationToken: cancellationToken))
            ?? throw Missing(id);
    }

    /// <summary>Deletes a dataset with its records, if it is there.</summary>
    public Task DeleteAsync(string projectId, string id, CancellationToken cancellationToken)
        => ExecuteAsync("DELETE FROM evaluation_datasets WHERE project_id = @projectId AND id = @id", new { projectId, id }, cancellationToken);

    /// <summary>Datasets that match a filter, by default the youngest first.</summary>
    public async Task<IReadOnlyList<EvaluationDatasetRow>> SearchAsync(
        string projectId, IReadOnlyList<string> experimentIds, string? filter, IReadOnlyList<string> order, int limit, int offset, CancellationToken cancellationToken)
    {
        var sql = new SearchSql(Columns).Filter(FilterParser.Parse(filter, SearchDialect.EvaluationDatasets)).OrderBy(FilterParser.Order(order, SearchDialect.EvaluationDatasets));
        sql.Parameters.Add("project", projectId);
        sql.Parameters.Add("experiments", experimentIds.Count == 0 ? null : await experiments.ResolveAsync(projectId, experimentIds, cancellationToken));
        sql.Parameters.Add("limit", limit);
        sql.Parameters.Add("offset", offset);
        await using var connection = await database.OpenAsync(cancellationToken);
        return (await connection.QueryAsync<EvaluationDatasetRow>(new CommandDefinition(
            $"""
            SELECT {EvaluationDatasetRow.Columns} FROM evaluation_datasets d{sql.Joins}
            WHERE d.project_id = @project
                AND (@experiments::text[] IS NULL OR EXISTS (
                    SELECT 1 FROM evaluation_dataset_experiments x WHERE x.dataset_id = d.id AND x.experiment_id = ANY(@experiments))){sql.Where}
            ORDER BY {sql.Order}d.created_at DESC, d.id DESC LIMIT @limit OFFSET @offset
            """,
            sql.Parameters,
            cancellationToken: cancellationToken))).AsList();
    }

    /// <summary>The experiments of datasets, as clients know them.</summary>
    public async Task<ILookup<string, string>> ExperimentsAsync(string[] ids, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return (await connection.QueryAsync<string, ExperimentRow, (string Dataset, string Experiment)>(
            new CommandDefinition(
                $"""
                SELECT x.dataset_id, {ExperimentRow.Columns} FROM evaluation_dataset_experiments x JOIN {TrackingRelations.Experiments} e ON e.id = x.experiment_id
                WHERE x.dataset_id = ANY(@ids) ORDER BY x.dataset_id, e.created_at, e.id
                """,
                new { ids },
                cancellationToken: cancellationToken),
            static (dataset, experiment) => (dataset, experiment.PublicId))).ToLookup(static pair => pair.Dataset, static pair => pair.Experiment, StringComparer.Ordinal);
    }

    /// <summary>Adds tags; a null takes its tag away.</summary>
    public async Task SetTagsAsync(string projectId, string id, IReadOnlyDictionary<string, string> tags, string[] removed, CancellationToken cancellationToken)
    {
        var changed = await ExecuteAsync(
            """
            UPDATE evaluation_datasets SET tags = (tags - @removed) || @tags::jsonb, updated_by = coalesce(@by, updated_by), updated_at = @now
            WHERE project_id = @projectId AND id = @id
            """,
            new { projectId, id, tags = JsonTags.Write(tags), removed, by = tags.GetValueOrDefault(UserTag), now = time.GetUtcNow() },
            cancellationToken);
        if (changed == 0)
        {
            throw Missing(id);
        }
    }

    /// <summary>Deletes a tag, if dataset and tag are there.</summary>
    public Task DeleteTagAsync(string projectId, string id, string key, CancellationToken cancellationToken)
        => ExecuteAsync(
            "UPDATE evaluation_datasets SET tags = tags - @key, updated_at = @now WHERE project_id = @projectId AND id = @id AND jsonb_exists(tags, @key)",
            new { projectId, id, key, now = time.GetUtcNow() },
            cancellationToken);

    /// <summary>Puts a dataset into experiments; those that it is in stay.</summary>
    public async Task AddExperimentsAsync(string projectId, string id, IReadOnlyList<string> experimentIds, CancellationToken cancellationToken)
    {
        await RequireAsync(projectId, id, cancellationToken);
        var owned = await OwnExperimentsAsync(projectId, experimentIds, cancellationToken);
        await database.InWorkAsync(
            async work =>
            {
                await AddExperimentsAsync(work, id, owned);
                await work.ExecuteAsync("UPDATE evaluation_datasets SET updated_at = @now WHERE id = @id", new { id, now = time.GetUtcNow() });
            },
            cancellationToken);
    }

    /// <summary>Takes a dataset out of experiments.</summary>
    public async Task RemoveExperimentsAsync(string projectId, string id, IReadOnlyList<string> experimentIds, CancellationToken cancellationToken)
    {
        await RequireAsync(projectId, id, cancellationToken);
        var ids = await experiments.ResolveAsync(projectId, experimentIds, cancellationToken);
        await ExecuteAsync(
            """
            WITH gone AS (DELETE FROM evaluation_dataset_experiments WHERE dataset_id = @id AND experiment_id = ANY(@ids) RETURNING 1)
            UPDATE evaluation_datasets SET updated_at = @now WHERE id = @id AND EXISTS (SELECT 1 FROM gone)
            """,
            new { id, ids, now = time.GetUtcNow() },
            cancellationToken);
    }

    /// <summary>What changes with each state of a dataset.</summary>
    public static string Digest(string name, DateTimeOffset updatedAt)
        => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{name}:{updatedAt.ToUnixTimeMilliseconds()}")))[..8];

    /// <summary>There is no such dataset in the project.</summary>
    public static MLflowException Missing(string id) => MLflowException.Missing($"Could not find evaluation dataset with ID {id}: not found");

    private async Task<string[]> OwnExperimentsAsync(string projectId, IReadOnlyList<string> experimentIds, CancellationToken cancellationToken)
    {
        var ids = new List<string>();
        foreach (var id in experimentIds)
        {
            ids.Add((await experiments.RequireAsync(projectId, id, cancellationToken)).Id);
        }

        return [.. ids];
    }

    private static Task<int> AddExperimentsAsync(UnitOfWork work, string id, string[] ids)
        => work.ExecuteAsync(
            "INSERT INTO evaluation_dataset_experiments (dataset_id, experiment_id) SELECT @id, experiment FROM unnest(@ids) AS sent (experiment) ON CONFLICT DO NOTHING", new { id, ids });

    private async Task<int> ExecuteAsync(string sql, object parameters, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.ExecuteAsync(new CommandDefinition(sql, parameters, cancellationToken: cancellationToken));
    }
}
