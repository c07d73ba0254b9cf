using System.Text.RegularExpressions;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Models;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Events;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Registry.Webhooks;

namespace AiPlatform.Registry.Models;

/// <summary>A version and what its events say about it.</summary>
internal sealed record VersionPlace(string ModelId, string ModelName, string ProjectId, int Version);

/// <summary>
/// Moves versions between stages and aliases between versions, for both APIs: who moved what is recorded in the same
/// transaction, and a target that has a rule is reached only by a promotion.
/// </summary>
internal sealed partial class ModelMoves(Database database, EventStream events, WebhookEvents webhooks, TimeProvider time)
{
    /// <summary>An alias that a model may have; numbers and <c>latest</c> would be taken for versions.</summary>
    /// <exception cref="ApiException">400.</exception>
    public static string CheckAlias(string alias, string field)
    {
        Check.That(
            alias.Length is >= 1 and <= 255 && AliasPattern().IsMatch(alias) && !VersionPattern().IsMatch(alias) && !alias.Equals("latest", StringComparison.OrdinalIgnoreCase),
            field,
            "alias");
        return alias;
    }

    /// <summary>The stage as PostgreSQL and MLflow spell it.</summary>
    public static string StageText(ModelStage stage) => stage.ToString();

    /// <summary>Keeps others from moving anything of the model until the transaction ends.</summary>
    public static Task LockAsync(UnitOfWork work, string modelId) => work.ExecuteAsync("SELECT 1 FROM models WHERE id = @modelId FOR NO KEY UPDATE", new { modelId });

    /// <summary>Moves a version to a stage, by somebody who makes the move directly.</summary>
    /// <exception cref="ApiException">409 <c>promotion_required</c>; 400 when there is nothing to archive in this stage.</exception>
    public Task SetStageAsync(VersionPlace place, ModelStage stage, bool archiveExisting, Caller caller, CancellationToken cancellationToken)
        => database.InWorkAsync(work => SetStageAsync(work, place, stage, archiveExisting, null, caller), cancellationToken);

    /// <summary>Moves a version to a stage.</summary>
    /// <param name="promotion">The promotion that was approved; null for a move that somebody makes directly.</param>
    /// <exception cref="ApiException">409 <c>promotion_required</c>; 400 when there is nothing to archive in this stage.</exception>
    public async Task SetStageAsync(UnitOfWork work, VersionPlace place, ModelStage stage, bool archiveExisting, string? promotion, Caller caller)
    {
        Check.That(!archiveExisting || stage is ModelStage.Staging or ModelStage.Production, "archiveExisting", "notActive");
        await LockAsync(work, place.ModelId);
        await RequireFreeAsync(work, place.ModelId, new PromotionTarget(PromotionTargetKind.Stage, stage.ToText()), promotion);
        var moved = await work.QueryAsync<(int Version, string To)>(
            """
            WITH moved AS (
                UPDATE model_versions v SET stage = CASE WHEN v.version = @Version THEN @stage ELSE 'Archived' END, updated_at = @now, revision = v.revision + 1
                FROM model_versions o
                WHERE o.id = v.id AND v.model_id = @ModelId AND v.deleted_at IS NULL AND (v.version = @Version OR (@archiveExisting AND v.stage = @stage))
                RETURNING v.version, o.stage AS before, v.stage AS after),
            recorded AS (
                INSERT INTO model_moves (model_id, version, kind, moved_from, moved_to, promotion_id, actor_id, actor_name, at)
                SELECT @ModelId, version, 'stage', before, after, @promotion, @actor, @name, @now FROM moved WHERE before <> after ORDER BY version RETURNING version, moved_to)
            SELECT version, moved_to FROM recorded
            """,
            new { place.ModelId, place.Version, stage = StageText(stage), archiveExisting, promotion, actor = caller.UserId, name = caller.Name, now = time.GetUtcNow() });
        await work.ExecuteAsync("UPDATE models SET updated_at = @now WHERE id = @ModelId", new { place.ModelId, now = time.GetUtcNow() });
        foreach (var (version, to) in moved)
        {
            await events.PublishAsync(work, $"project:{place.ProjectId}", "model.stage", new { model = place.ModelName, version, stage = to, by = caller.Name });
        }
    }

    /// <summary>Points an alias at a version, by somebody who makes the move directly.</summary>
    /// <exception cref="ApiException">409 <c>promotion_required</c>.</exception>
    public Task SetAliasAsync(VersionPlace place, string alias, Caller caller, CancellationToken cancellationToken)
        => database.InWorkAsync(work => SetAliasAsync(work, place, alias, null, caller), cancellationToken);

    /// <summary>Points an alias at a version.</summary>
    /// <exception cref="ApiException">409 <c>promotion_required</c>.</exception>
    public async Task SetAliasAsync(UnitOfWork work, VersionPlace place, string alias, string? promotion, Caller caller)
    {
        await LockAsync(work, place.ModelId);
        await RequireFreeAsync(work, place.ModelId, new PromotionTarget(PromotionTargetKind.Alias, alias), promotion);
        var moved = await work.ExecuteAsync(
            """
            WITH before AS (SELECT version FROM model_aliases WHERE model_id = @ModelId AND lower(alias) = lower(@alias)),
            pointed AS (
                INSERT INTO model_aliases (model_id, alias, version) VALUES (@ModelId, @alias, @Version)
                ON CONFLICT (model_id, lower(alias)) DO UPDATE SET alias = excluded.alias, version = excluded.version)
            INSERT INTO model_moves (model_id, version, kind, moved_from, moved_to, promotion_id, actor_id, actor_name, at)
            SELECT @ModelId, @Version, 'alias', (SELECT version::text FROM before), @alias, @promotion, @actor, @name, @now
            WHERE (SELECT version FROM before) IS DISTINCT FROM @Version
            """,
            new { place.ModelId, place.Version, alias, promotion, actor = caller.UserId, name = caller.Name, now = time.GetUtcNow() });
        await webhooks.PublishAsync(work, place.ProjectId, WebhookEvents.AliasCreated, new { name = place.ModelName, alias, version = $"{place.Version}" });
        if (moved > 0)
        {
            await events.PublishAsync(work, $"project:{place.ProjectId}", "model.alias", new { model = place.ModelName, version = place.Version, alias, by = caller.Name });
        }
    }

    /// <summary>Takes an alias away; nothing happens when there is none.</summary>
    public Task DeleteAliasAsync(string modelId, string modelName, string projectId, string alias, Caller caller, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                await LockAsync(work, modelId);
                var moved = await work.ExecuteAsync(
                    """
                    WITH gone AS (DELETE FROM model_aliases WHERE model_id = @modelId AND lower(alias) = lower(@alias) RETURNING alias, version)
                    INSERT INTO model_moves (model_id, version, kind, moved_from, moved_to, actor_id, actor_name, at)
                    SELECT @modelId, version, 'alias', alias, NULL, @actor, @name, @now FROM gone
                    """,
                    new { modelId, alias, actor = caller.UserId, name = caller.Name, now = time.GetUtcNow() });
                if (moved > 0)
                {
                    await webhooks.PublishAsync(work, projectId, WebhookEvents.AliasDeleted, new { name = modelName, alias });
                    await events.PublishAsync(work, $"project:{projectId}", "model.alias", new { model = modelName, alias, by = caller.Name });
                }
            },
            cancellationToken);

    private static async Task RequireFreeAsync(UnitOfWork work, string modelId, PromotionTarget target, string? promotion)
    {
        if (promotion is null && await work.FindAsync<int?>(
            "SELECT 1 FROM model_promotion_rules WHERE model_id = @modelId AND kind = @kind AND name = lower(@Name)",
            new { modelId, kind = target.Kind.ToText(), target.Name }) is not null)
        {
            throw new ApiException(ErrorCodes.PromotionRequired, target.Name);
        }
    }

    [GeneratedRegex(@"^[\w\-]+\z", RegexOptions.None, 100)]
    private static partial Regex AliasPattern();

    [GeneratedRegex(@"^[vV]?\d+\z", RegexOptions.None, 100)]
    private static partial Regex VersionPattern();
}
