using AiPlatform.Contracts.Datasets;
using AiPlatform.Functions.Infrastructure;
using Dapper;
using Npgsql;

namespace AiPlatform.Functions.Features.Datasets;

/// <summary>Datasets in PostgreSQL. Every statement names the project, so that one project's ids are nothing in another.</summary>
internal sealed class DatasetStore(Database database, TimeProvider time)
{
    /// <summary>Creates a dataset.</summary>
    /// <exception cref="ApiException">409 <c>already_exists</c>.</exception>
    public async Task<Dataset> CreateAsync(string projectId, CreateDatasetRequest request, Caller caller, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        try
        {
            var row = await connection.QuerySingleAsync<DatasetRow>(new CommandDefinition(
                $"""
                INSERT INTO datasets AS d (id, project_id, name, description, created_by, created_at, updated_at)
                VALUES (@id, @projectId, @name, @description, @by, @now, @now)
                RETURNING {DatasetRow.Columns}
                """,
                new { id = Ids.New(time), projectId, name = request.Name, description = request.Description, by = caller.UserId, now = time.GetUtcNow() },
                cancellationToken: cancellationToken));
            return row.ToContract();
        }
        catch (PostgresException exception) when (Database.IsUniqueViolation(exception, "datasets_name"))
        {
            throw ApiException.AlreadyExists("dataset", request.Name);
        }
    }

    /// <summary>A live dataset by id or name.</summary>
    /// <exception cref="ApiException">404.</exception>
    public async Task<DatasetRow> GetAsync(string projectId, string dataset, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<DatasetRow>(new CommandDefinition(
                $"""
                SELECT {DatasetRow.Columns} FROM datasets d
                WHERE d.project_id = @projectId AND d.deleted_at IS NULL AND (d.id = @dataset OR lower(d.name) = lower(@dataset))
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

    /// <summary>Deletes softly, or takes that back. Repeating either changes nothing.</summary>
    /// <exception cref="ApiException">404; 409 when the name was taken meanwhile.</exception>
    public async Task SetDeletedAsync(string projectId, string dataset, bool deleted, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        try
        {
            var changed = await connection.ExecuteAsync(new CommandDefinition(
                """
                UPDATE datasets SET deleted_at = CASE WHEN @deleted THEN coalesce(deleted_at, @now) END, updated_at = @now
                WHERE project_id = @projectId AND (id = @dataset OR (@deleted AND deleted_at IS NULL AND lower(name) = lower(@dataset)))
                """,
                new { projectId, dataset, deleted, now = time.GetUtcNow() },
                cancellationToken: cancellationToken));
            if (changed == 0)
            {
                throw ApiException.NotFound("dataset", dataset);
            }
        }
        catch (PostgresException exception) when (Database.IsUniqueViolation(exception, "datasets_name"))
        {
            throw ApiException.AlreadyExists("dataset", dataset);
        }
    }
}
