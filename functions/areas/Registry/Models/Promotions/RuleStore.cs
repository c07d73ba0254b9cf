using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Models;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using Dapper;

namespace AiPlatform.Registry.Models.Promotions;

/// <summary>The rules of targets.</summary>
internal sealed class RuleStore(Database database, TimeProvider time)
{
    /// <summary>The rule of a target inside a transaction; null when there is none.</summary>
    public static async Task<PromotionRule?> FindAsync(UnitOfWork work, string modelId, PromotionTarget target)
        => (await work.FindAsync<RuleRow>(
            $"SELECT {RuleRow.Columns} FROM model_promotion_rules r WHERE r.model_id = @modelId AND r.kind = @kind AND r.name = lower(@Name)",
            new { modelId, kind = target.Kind.ToText(), target.Name }))?.ToContract();

    /// <summary>All rules of a model; there are as many as targets that somebody named.</summary>
    public async Task<IReadOnlyList<PromotionRule>> ListAsync(string modelId, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return [.. (await connection.QueryAsync<RuleRow>(new CommandDefinition(
            $"SELECT {RuleRow.Columns} FROM model_promotion_rules r WHERE r.model_id = @modelId ORDER BY r.kind, r.name LIMIT 500", new { modelId }, cancellationToken: cancellationToken)))
            .Select(row => row.ToContract())];
    }

    /// <summary>Sets the rule of a target.</summary>
    public Task<PromotionRule> SetAsync(string modelId, PromotionTarget target, SetPromotionRuleRequest request, Caller caller, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                await RequireEditorAsync(work, modelId, target, request.Approver, caller);
                return (await work.SingleAsync<RuleRow>(
                    $"""
                    INSERT INTO model_promotion_rules AS r
                        (model_id, kind, name, thresholds, require_quality_report, min_quality_score, approver, expires_after_hours, allow_self_approval, updated_by, updated_at)
                    VALUES (@modelId, @kind, lower(@Name), @thresholds::jsonb, @RequireQualityReport, @MinQualityScore, @approver, @ExpiresAfterHours, @AllowSelfApproval, @by, @now)
                    ON CONFLICT (model_id, kind, name) DO UPDATE SET thresholds = excluded.thresholds, require_quality_report = excluded.require_quality_report,
                        min_quality_score = excluded.min_quality_score, approver = excluded.approver, expires_after_hours = excluded.expires_after_hours,
                        allow_self_approval = excluded.allow_self_approval, updated_by = excluded.updated_by, updated_at = excluded.updated_at
                    RETURNING {RuleRow.Columns}
                    """,
                    new
                    {
                        modelId,
                        kind = target.Kind.ToText(),
                        target.Name,
                        thresholds = JsonSerializer.Serialize(request.Thresholds ?? [], ContractsJson.Strict),
                        request.RequireQualityReport,
                        request.MinQualityScore,
                        approver = request.Approver.ToText(),
                        request.ExpiresAfterHours,
                        request.AllowSelfApproval,
                        by = caller.UserId,
                        now = time.GetUtcNow(),
                    })).ToContract();
            },
            cancellationToken);

    /// <summary>Takes the rule of a target away; nothing happens when there is none.</summary>
    public Task DeleteAsync(string modelId, PromotionTarget target, Caller caller, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                await RequireEditorAsync(work, modelId, target, PromotionApprover.Maintainer, caller);
                await work.ExecuteAsync(
                    "DELETE FROM model_promotion_rules WHERE model_id = @modelId AND kind = @kind AND name = lower(@Name)",
                    new { modelId, kind = target.Kind.ToText(), target.Name });
            },
            cancellationToken);

    // A rule that only administrators can pass is none when somebody else may change it.
    private static async Task RequireEditorAsync(UnitOfWork work, string modelId, PromotionTarget target, PromotionApprover next, Caller caller)
    {
        await ModelMoves.LockAsync(work, modelId);
        var current = (await FindAsync(work, modelId, target))?.Approver;
        if ((current == PromotionApprover.Administrator || next == PromotionApprover.Administrator) && caller.Role != CallerRole.Administrator)
        {
            throw new ApiException(ErrorCodes.Forbidden);
        }
    }
}
