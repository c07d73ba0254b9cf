using AiPlatform.Contracts;
using AiPlatform.Contracts.Datasets;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using Dapper;
using Npgsql;

namespace AiPlatform.Data.Datasets;

/// <summary>Datasets in PostgreSQL. Every statement names the project, so that one project's ids are nothing in another.</summary>
internal sealed class DatasetStore(Database database, ProjectAccess projects, TimeProvider time) : IReach<DatasetRow>
{
    private const string Live = "d.deleted_at IS NULL AND (d.id = @dataset OR lower(d.name) = lower(@dataset))";

    /// <summary>Creates a dataset.</summary>
    /// <exception cref="ApiException">409 <c>already_exists</c>.</exception>
    public async Task<DatasetRow> CreateAsync(string projectId, CreateDatasetRequest request, Caller caller, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        try
        {
            var row = await connection.QuerySingleAsync<DatasetRow>(new CommandDefinition(
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
                cancellationToken: cancellationToken));
            return row;
        }
        catch (PostgresException exception) when (Database.IsUniqueViolation(exception, "datasets_name"))
        {
            throw ApiException.AlreadyExists("dataset", request.Name);
        }
    }

    /// <inheritdoc />
    Task<DatasetRow> IReach<DatasetRow>.RequireAsync(RouteValueDictionary path, Caller caller, CancellationToken cancellationToken)
    {
        var dataset = (string)path["dataset"]!;
        return projects.RequireInAsync<DatasetRow>(
            path,
            caller,
            new ReachQuery($"SELECT {DatasetRow.Columns} FROM datasets d WHERE d.project_id = {ProjectAccess.Named} AND {Live}", new { dataset }, "dataset", dataset),
            cancellationToken);
    }

    /// <summary>A live dataset by id or name.</summary>
    /// <exception cref="ApiException">404.</exception>
    public async Task<DatasetRow> GetAsync(string projectId, string dataset, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<DatasetRow>(new CommandDefinition(
                $"""
                SELECT {DatasetRow.Columns} FROM datasets d WHERE d.project_id = @projectId AND {Live}
                """,
                new { projectId, dataset },
                cancellationToken: cancellationToken))
            ?? throw ApiException.NotFound("dataset", dataset);
    }

    /// <summary>One more live dataset than asked for, newest first.</summary>
    public async Task<IEnumerable<DatasetRow>> ListAsync(string projectId, string? after, int size, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QueryAsync<DatasetRow>(new CommandDefinition(
            $"""
            SELECT {DatasetRow.Columns} FROM datasets d
            WHERE d.project_id = @projectId AND d.deleted_at IS NULL AND (@after::text IS NULL OR d.id < @after)
            ORDER BY d.id DESC LIMIT @limit
            """,
            new { projectId, after, limit = size + 1 },
            cancellationToken: cancellationToken));
    }

    /// <summary>Changes what is given.</summary>
    /// <exception cref="ApiException">404; 409 when the name is taken; 412 when <paramref name="expected"/> is not its row version.</exception>
    public async Task<DatasetRow> UpdateAsync(string projectId, string dataset, UpdateDatasetRequest request, long? expected, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        try
        {
            var row = await connection.QuerySingleOrDefaultAsync<DatasetRow>(new CommandDefinition(
                $"""
                UPDATE datasets d SET name = coalesce(@name, d.name), description = coalesce(@description, d.description), tags = coalesce(@tags::jsonb, d.tags),
                    row_version = d.row_version + 1, updated_at = @now
                WHERE d.project_id = @projectId AND {Live} AND (@expected::bigint IS NULL OR d.row_version = @expected)
                RETURNING {DatasetRow.Columns}
                """,
                new { projectId, dataset, name = request.Name, description = request.Description, tags = DatasetTags.ToJson(request.Tags), expected, now = time.GetUtcNow() },
                cancellationToken: cancellationToken));
            if (row is null)
            {
                await GetAsync(projectId, dataset, cancellationToken);
                throw new ApiException(ErrorCodes.PreconditionFailed);
            }

            return row;
        }
        catch (PostgresException exception) when (Database.IsUniqueViolation(exception, "datasets_name"))
        {
            throw ApiException.AlreadyExists("dataset", request.Name!);
        }
    }
}
