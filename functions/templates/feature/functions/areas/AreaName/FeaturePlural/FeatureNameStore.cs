using AiPlatform.Contracts;
using AiPlatform.Contracts.FeaturePlural;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Garbage;
using AiPlatform.Kernel.Postgres;
using Dapper;
using Npgsql;

namespace AiPlatform.AreaName.FeaturePlural;

/// <summary>The table <c>feature_plural</c>. Its rows are deleted at once, and go with their project.</summary>
internal sealed class FeatureNameStore(Database database, ProjectAccess projects, TimeProvider time) : IReach<FeatureNameRow>, IProjectPart
{
    private const string Kind = "featureName";
    private const string Unique = "feature_plural_name";

    /// <inheritdoc />
    public Task<FeatureNameRow> RequireAsync(RouteValueDictionary path, Caller caller, CancellationToken cancellationToken)
    {
        var wanted = path.Text("featureName");
        return projects.RequireInAsync<FeatureNameRow>(
            path,
            caller,
            new ReachQuery(
                $"SELECT {FeatureNameRow.Columns} FROM feature_plural t WHERE t.project_id = {ProjectAccess.Named} AND (t.id = @wanted OR lower(t.name) = lower(@wanted))",
                new { wanted },
                Kind,
                wanted),
            cancellationToken);
    }

    /// <summary>Creates one.</summary>
    /// <exception cref="ApiException">409 <c>already_exists</c>.</exception>
    public async Task<FeatureNameRow> CreateAsync(string projectId, CreateFeatureNameRequest request, Caller caller, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        try
        {
            return await connection.QuerySingleAsync<FeatureNameRow>(new CommandDefinition(
                $"""
                INSERT INTO feature_plural AS t (id, project_id, name, description, created_by, created_at, updated_at)
                VALUES (@id, @projectId, @name, nullif(@description, ''), @by, @now, @now) RETURNING {FeatureNameRow.Columns}
                """,
                new { id = Ids.New(time), projectId, name = request.Name, description = request.Description, by = caller.UserId, now = time.GetUtcNow() },
                cancellationToken: cancellationToken));
        }
        catch (PostgresException exception) when (Database.IsUniqueViolation(exception, Unique))
        {
            throw ApiException.AlreadyExists(Kind, request.Name);
        }
    }

    /// <summary>One more than asked for, newest first.</summary>
    public async Task<IEnumerable<FeatureNameRow>> ListAsync(string projectId, string? after, int size, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QueryAsync<FeatureNameRow>(new CommandDefinition(
            $"""
            SELECT {FeatureNameRow.Columns} FROM feature_plural t WHERE t.project_id = @projectId AND (@after::text IS NULL OR t.id < @after)
            ORDER BY t.id DESC LIMIT @limit
            """,
            new { projectId, after, limit = size + 1 },
            cancellationToken: cancellationToken));
    }

    /// <summary>Changes one.</summary>
    /// <param name="expected">The version that the caller has seen; null when the caller does not mind.</param>
    /// <exception cref="ApiException">409 for a name that is taken; 412.</exception>
    public async Task<FeatureNameRow> UpdateAsync(string id, UpdateFeatureNameRequest request, long? expected, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        try
        {
            return await connection.QuerySingleOrDefaultAsync<FeatureNameRow>(new CommandDefinition(
                    $"""
                    UPDATE feature_plural t SET name = coalesce(@name, name), description = nullif(coalesce(@description, description), ''),
                        version = version + 1, updated_at = @now
                    WHERE t.id = @id AND (@expected::bigint IS NULL OR t.version = @expected) RETURNING {FeatureNameRow.Columns}
                    """,
                    new { id, name = request.Name, description = request.Description, expected, now = time.GetUtcNow() },
                    cancellationToken: cancellationToken))
                ?? throw new ApiException(ErrorCodes.PreconditionFailed);
        }
        catch (PostgresException exception) when (Database.IsUniqueViolation(exception, Unique))
        {
            throw ApiException.AlreadyExists(Kind, request.Name!);
        }
    }

    /// <summary>Deletes one.</summary>
    /// <param name="expected">The version that the caller has seen; null when the caller does not mind.</param>
    /// <exception cref="ApiException">412.</exception>
    public async Task DeleteAsync(string id, long? expected, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var deleted = await connection.ExecuteAsync(new CommandDefinition(
            "DELETE FROM feature_plural WHERE id = @id AND (@expected::bigint IS NULL OR version = @expected)", new { id, expected }, cancellationToken: cancellationToken));
        if (deleted == 0)
        {
            throw new ApiException(ErrorCodes.PreconditionFailed);
        }
    }

    /// <inheritdoc />
    public Task ReleaseAsync(UnitOfWork work, string projectId, DateTimeOffset deletedAt)
        => work.ExecuteAsync("DELETE FROM feature_plural WHERE project_id = @projectId", new { projectId });
}
