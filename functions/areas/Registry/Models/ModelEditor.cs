using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Models;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using Dapper;

namespace AiPlatform.Registry.Models;

/// <summary>Changes what models and versions say about themselves; what a version is made of never changes.</summary>
internal sealed class ModelEditor(Database database, TimeProvider time)
{
    private const int MaxMoves = 500;

    /// <summary>Changes a model.</summary>
    /// <exception cref="ApiException">404; 412.</exception>
    public async Task UpdateAsync(ModelRow model, UpdateModelRequest request, long? expected, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var changed = await connection.ExecuteAsync(new CommandDefinition(
            """
            UPDATE models SET description = coalesce(@description, description), tags = (tags || @set::jsonb) - @removed, updated_at = @now, revision = revision + 1
            WHERE id = @Id AND deleted_at IS NULL AND (@expected::bigint IS NULL OR revision = @expected)
            """,
            new { model.Id, description = request.Description, set = Set(request.Tags), removed = Removed(request.Tags), expected, now = time.GetUtcNow() },
            cancellationToken: cancellationToken));
        if (changed == 0)
        {
            throw new ApiException(ErrorCodes.PreconditionFailed);
        }
    }

    /// <summary>Changes a version.</summary>
    /// <exception cref="ApiException">412.</exception>
    public async Task UpdateAsync(ModelVersionRow version, UpdateModelVersionRequest request, long? expected, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var changed = await connection.ExecuteAsync(new CommandDefinition(
            """
            UPDATE model_versions SET description = coalesce(@description, description), metrics = coalesce(@metrics::jsonb, metrics),
                tags = (tags || @set::jsonb) - @removed, signature = coalesce(@signature::jsonb, signature), input_example = coalesce(@example::jsonb, input_example),
                updated_at = @now, revision = revision + 1
            WHERE id = @Id AND deleted_at IS NULL AND (@expected::bigint IS NULL OR revision = @expected)
            """,
            new
            {
                version.Id,
                description = request.Description,
                metrics = request.Metrics is null ? null : JsonSerializer.Serialize(request.Metrics, ContractsJson.Strict),
                set = Set(request.Tags),
                removed = Removed(request.Tags),
                signature = request.Signature?.GetRawText(),
                example = request.InputExample?.GetRawText(),
                expected,
                now = time.GetUtcNow(),
            },
            cancellationToken: cancellationToken));
        if (changed == 0)
        {
            throw new ApiException(ErrorCodes.PreconditionFailed);
        }
    }

    /// <summary>Deletes a version; its aliases go with it.</summary>
    public Task DeleteAsync(ModelVersionRow version, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                await ModelMoves.LockAsync(work, version.ModelId);
                await work.ExecuteAsync(
                    """
                    DELETE FROM model_aliases WHERE model_id = @ModelId AND version = @Version;
                    UPDATE model_promotions SET status = 'withdrawn', decided_at = @now WHERE model_id = @ModelId AND version = @Version AND status = 'pending';
                    UPDATE model_versions SET deleted_at = coalesce(deleted_at, @now), updated_at = @now WHERE id = @Id
                    """,
                    new { version.Id, version.ModelId, version.Version, now = time.GetUtcNow() });
            },
            cancellationToken);

    /// <summary>The aliases of a model by name.</summary>
    public async Task<IReadOnlyList<ModelAlias>> AliasesAsync(string modelId, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return (await connection.QueryAsync<ModelAlias>(new CommandDefinition(
            "SELECT alias AS \"Alias\", version AS \"Version\" FROM model_aliases WHERE model_id = @modelId ORDER BY alias", new { modelId }, cancellationToken: cancellationToken))).AsList();
    }

    /// <summary>One more move than asked for, newest first.</summary>
    public async Task<IReadOnlyList<MoveRow>> MovesAsync(string modelId, long? before, int size, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return (await connection.QueryAsync<MoveRow>(new CommandDefinition(
            """
            SELECT id, version, kind, moved_from, moved_to, promotion_id, actor_id, actor_name, at FROM model_moves
            WHERE model_id = @modelId AND (@before::bigint IS NULL OR id < @before) ORDER BY id DESC LIMIT @limit
            """,
            new { modelId, before, limit = Math.Min(MaxMoves, size) + 1 },
            cancellationToken: cancellationToken))).AsList();
    }

    private static string Set(IReadOnlyDictionary<string, string?>? tags)
        => JsonSerializer.Serialize((tags ?? new Dictionary<string, string?>()).Where(tag => tag.Value is not null).ToDictionary(tag => tag.Key, tag => tag.Value), ContractsJson.Strict);

    private static string[] Removed(IReadOnlyDictionary<string, string?>? tags) => [.. (tags ?? new Dictionary<string, string?>()).Where(tag => tag.Value is null).Select(tag => tag.Key)];
}

/// <summary>A row of <c>model_moves</c>.</summary>
internal sealed class MoveRow
{
    public long Id { get; init; }

    public int Version { get; init; }

    public PromotionTargetKind Kind { get; init; }

    public string? MovedFrom { get; init; }

    public string? MovedTo { get; init; }

    public string? PromotionId { get; init; }

    public required string ActorId { get; init; }

    public required string ActorName { get; init; }

    public DateTimeOffset At { get; init; }

    public ModelMove ToContract() => new(Version, Kind, MovedFrom, MovedTo, PromotionId, ActorId, ActorName, At);
}
