using AiPlatform.Contracts.Models;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Compute;
using AiPlatform.Ports.Data;
using Dapper;

namespace AiPlatform.Registry.Models;

/// <summary>Registered models and their versions.</summary>
internal sealed class ModelStore(Database database, ProjectAccess projects, TimeProvider time) : IReach<ModelRow>, IReach<ModelVersionRow>, IReach<CardOwner>
{
    private readonly NamedTable<ModelRow> _models = new(database, projects, "model", "FROM models m", ModelRow.Columns);

    private string LiveVersion => $"{_models.Live} AND v.version = @version AND v.deleted_at IS NULL";

    /// <inheritdoc />
    Task<ModelRow> IReach<ModelRow>.RequireAsync(RouteValueDictionary path, Caller caller, CancellationToken cancellationToken)
        => _models.ReachAsync(path, caller, cancellationToken);

    /// <inheritdoc />
    Task<ModelVersionRow> IReach<ModelVersionRow>.RequireAsync(RouteValueDictionary path, Caller caller, CancellationToken cancellationToken)
        => ReachVersionAsync(path, caller, cancellationToken);

    /// <inheritdoc />
    async Task<CardOwner> IReach<CardOwner>.RequireAsync(RouteValueDictionary path, Caller caller, CancellationToken cancellationToken)
        => path.ContainsKey("version")
            ? (await ReachVersionAsync(path, caller, cancellationToken)).CardOwner
            : new CardOwner((await _models.ReachAsync(path, caller, cancellationToken)).Id, CardStore.OfModel);

    /// <summary>Creates a model.</summary>
    /// <exception cref="ApiException">409 <c>already_exists</c>.</exception>
    public async Task<ModelRow> CreateAsync(string projectId, CreateModelRequest request, Caller caller, CancellationToken cancellationToken)
        => (await _models.WriteAsync(
            request.Name,
            $"""
            INSERT INTO models AS m (id, project_id, name, description, created_by, created_at, updated_at)
            VALUES (@id, @projectId, @name, @description, @by, @now, @now)
            RETURNING {ModelRow.Columns}
            """,
            new { id = Ids.New(time), projectId, name = request.Name, description = request.Description, by = caller.UserId, now = time.GetUtcNow() },
            cancellationToken))!;

    /// <summary>A live model by id or name.</summary>
    /// <exception cref="ApiException">404.</exception>
    public Task<ModelRow> GetAsync(string projectId, string model, CancellationToken cancellationToken) => _models.GetAsync(projectId, model, cancellationToken);

    /// <summary>One more live model than asked for, newest first.</summary>
    public Task<IEnumerable<ModelRow>> ListAsync(string projectId, string? after, int size, CancellationToken cancellationToken)
        => _models.ListAsync(projectId, after, size, cancellationToken);

    /// <summary>Deletes softly, or takes that back. Repeating either changes nothing.</summary>
    /// <exception cref="ApiException">404; 409 when the name was taken meanwhile.</exception>
    public Task SetDeletedAsync(string projectId, string model, bool deleted, CancellationToken cancellationToken)
        => _models.SetDeletedAsync(projectId, model, deleted, time.GetUtcNow(), cancellationToken);

    /// <summary>A version by number.</summary>
    /// <exception cref="ApiException">404.</exception>
    public async Task<ModelVersionRow> GetVersionAsync(string projectId, string model, int version, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<ModelVersionRow>(new CommandDefinition(
                $"""
                {ModelVersionRow.SelectWhole}
                WHERE v.project_id = @projectId AND {LiveVersion}
                """,
                new { projectId, model, version },
                cancellationToken: cancellationToken))
            ?? throw ApiException.NotFound("modelVersion", $"{model}/{version}");
    }

    /// <summary>One more version than asked for, newest first.</summary>
    public async Task<IReadOnlyList<ModelVersionRow>> ListVersionsAsync(string modelId, int? before, int size, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var rows = await connection.QueryAsync<ModelVersionRow>(new CommandDefinition(
            $"{ModelVersionRow.Select} WHERE v.model_id = @modelId AND v.deleted_at IS NULL AND (@before::int IS NULL OR v.version < @before) ORDER BY v.version DESC LIMIT @limit",
            new { modelId, before, limit = size + 1 },
            cancellationToken: cancellationToken));
        return rows.AsList();
    }

    /// <summary>Adds what the versions' jobs read, in one round trip for all of them.</summary>
    public async Task<IReadOnlyList<ModelVersion>> CompleteAsync(IReadOnlyList<ModelVersionRow> versions, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var inputs = (await connection.QueryAsync<ModelInputRow>(new CommandDefinition(
            $"""
            SELECT j.job_id, v.dataset_id, v.name, v.version, v.id AS version_id
            FROM {ComputeRelations.JobInputs} j JOIN {DataRelations.DatasetVersions} v ON v.id = j.version_id
            WHERE j.job_id = ANY(@jobs) ORDER BY j.job_id, v.name
            """,
            new { jobs = versions.Select(version => version.JobId).OfType<string>().Distinct().ToArray() },
            cancellationToken: cancellationToken))).ToLookup(row => row.JobId);
        return [.. versions.Select(version => version.ToContract(inputs[version.JobId ?? string.Empty]))];
    }

    private Task<ModelVersionRow> ReachVersionAsync(RouteValueDictionary path, Caller caller, CancellationToken cancellationToken)
    {
        var (model, version) = (path.Text("model"), path.Number("version"));
        return projects.RequireInAsync<ModelVersionRow>(
            path,
            caller,
            new ReachQuery(
                $"{ModelVersionRow.SelectWhole} WHERE v.project_id = {ProjectAccess.Named} AND {LiveVersion}", new { model, version }, "modelVersion", $"{model}/{version}"),
            cancellationToken);
    }
}
