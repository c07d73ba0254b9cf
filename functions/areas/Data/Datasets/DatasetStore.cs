using AiPlatform.Contracts;
using AiPlatform.Contracts.Datasets;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Data.Datasets;

/// <summary>Datasets in PostgreSQL. Every statement names the project, so that one project's ids are nothing in another.</summary>
internal sealed class DatasetStore(Database database, ProjectAccess projects, TimeProvider time) : IReach<DatasetRow>
{
    private readonly NamedTable<DatasetRow> _datasets = new(database, projects, "dataset", "FROM datasets d", DatasetRow.Columns);

    /// <summary>Creates a dataset.</summary>
    /// <exception cref="ApiException">409 <c>already_exists</c>.</exception>
    public async Task<DatasetRow> CreateAsync(string projectId, CreateDatasetRequest request, Caller caller, CancellationToken cancellationToken)
        => (await _datasets.WriteAsync(
            request.Name,
            $"""
            INSERT INTO datasets AS d (id, project_id, name, description, tags, created_by, created_at, updated_at)
            VALUES (@id, @projectId, @name, @description, @tags::jsonb, @by, @now, @now)
            RETURNING {DatasetRow.Columns}
            """,
            new
            {
                id = Ids.New(time),
                projectId,
                name = request.Name,
                description = request.Description,
                tags = DatasetTags.ToJson(request.Tags) ?? "{}",
                by = caller.UserId,
                now = time.GetUtcNow(),
            },
            cancellationToken))!;

    /// <inheritdoc />
    Task<DatasetRow> IReach<DatasetRow>.RequireAsync(RouteValueDictionary path, Caller caller, CancellationToken cancellationToken)
        => _datasets.ReachAsync(path, caller, cancellationToken);

    /// <summary>A live dataset by id or name.</summary>
    /// <exception cref="ApiException">404.</exception>
    public Task<DatasetRow> GetAsync(string projectId, string dataset, CancellationToken cancellationToken) => _datasets.GetAsync(projectId, dataset, cancellationToken);

    /// <summary>One more live dataset than asked for, newest first.</summary>
    public Task<IEnumerable<DatasetRow>> ListAsync(string projectId, string? after, int size, CancellationToken cancellationToken)
        => _datasets.ListAsync(projectId, after, size, cancellationToken);

    /// <summary>Changes what is given.</summary>
    /// <exception cref="ApiException">404; 409 when the name is taken; 412 when <paramref name="expected"/> is not its row version.</exception>
    public async Task<DatasetRow> UpdateAsync(string projectId, string dataset, UpdateDatasetRequest request, long? expected, CancellationToken cancellationToken)
    {
        var row = await _datasets.WriteAsync(
            request.Name,
            $"""
            UPDATE datasets d SET name = coalesce(@name, d.name), description = coalesce(@description, d.description), tags = coalesce(@tags::jsonb, d.tags),
                row_version = d.row_version + 1, updated_at = @now
            WHERE d.project_id = @projectId AND {_datasets.Live} AND (@expected::bigint IS NULL OR d.row_version = @expected)
            RETURNING {DatasetRow.Columns}
            """,
            new { projectId, dataset, name = request.Name, description = request.Description, tags = DatasetTags.ToJson(request.Tags), expected, now = time.GetUtcNow() },
            cancellationToken);
        if (row is null)
        {
            await GetAsync(projectId, dataset, cancellationToken);
            throw new ApiException(ErrorCodes.PreconditionFailed);
        }

        return row;
    }
}
