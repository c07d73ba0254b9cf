using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Models;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Events;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Tracking;
using Dapper;
using Npgsql;

namespace AiPlatform.Registry.Models.Promotions;

/// <summary>Requests to promote versions. A decision, its evidence and the move that follows are one transaction.</summary>
internal sealed class PromotionStore(Database database, EvidenceReader evidence, ModelMoves moves, IRunMetrics summaries, EventStream events, TimeProvider time)
{
    private const int DefaultHours = 168;

    /// <summary>Asks for a promotion.</summary>
    /// <exception cref="ApiException">409 <c>already_exists</c> when one is pending already.</exception>
    public async Task<ModelPromotion> RequestAsync(ModelVersionRow version, RequestPromotionRequest request, Caller caller, CancellationToken cancellationToken)
    {
        await FoldAsync(version, cancellationToken);
        try
        {
            return await database.InWorkAsync(
                async work =>
                {
                    var rule = await RuleStore.FindAsync(work, version.ModelId, request.Target);
                    var found = await evidence.ReadAsync(work, version.ModelId, version.Version, rule);
                    var now = time.GetUtcNow();
                    var id = Ids.New(time);
                    await work.ExecuteAsync(
                        """
                        INSERT INTO model_promotions (id, project_id, model_id, version, kind, name, archive_existing, status, comment, evidence, requested_by, requested_by_name, requested_at, expires_at)
                        VALUES (@id, @ProjectId, @ModelId, @Version, @kind, @name, @archive, 'pending', @comment, @evidence::jsonb, @by, @byName, @now, @expires)
                        """,
                        new
                        {
                            id,
                            version.ProjectId,
                            version.ModelId,
                            version.Version,
                            kind = request.Target.Kind.ToText(),
                            name = request.Target.Name,
                            archive = request.Target.Kind == PromotionTargetKind.Stage && request.ArchiveExisting,
                            comment = request.Comment,
                            evidence = JsonSerializer.Serialize(found, ContractsJson.Strict),
                            by = caller.UserId,
                            byName = caller.Name,
                            now,
                            expires = now.AddHours(rule?.ExpiresAfterHours ?? DefaultHours),
                        });
                    return (await AnnounceAsync(work, id, "model.promotion.requested")).ToContract();
                },
                cancellationToken);
        }
        catch (PostgresException exception) when (Database.IsUniqueViolation(exception, "model_promotions_open"))
        {
            throw ApiException.AlreadyExists("promotion", $"{version.Name}/{version.Version} → {request.Target.Name}");
        }
    }

    /// <summary>One more request than asked for, newest first: of a model, or of a whole project.</summary>
    public async Task<IEnumerable<PromotionRow>> ListAsync(
        string projectId, string? modelId, PromotionStatus? status, string? after, int size, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QueryAsync<PromotionRow>(new CommandDefinition(
            $"""
            {PromotionRow.Select} WHERE q.project_id = @projectId AND (@modelId::text IS NULL OR q.model_id = @modelId) AND (@status::text IS NULL OR q.status = @status)
              AND (@after::text IS NULL OR q.id < @after) ORDER BY q.id DESC LIMIT @limit
            """,
            new { projectId, modelId, status = status?.ToText(), after, limit = size + 1 },
            cancellationToken: cancellationToken));
    }

    /// <summary>One request; of a pending one the evidence as it stands now.</summary>
    /// <exception cref="ApiException">404.</exception>
    public async Task<ModelPromotion> GetAsync(string modelId, string promotion, CancellationToken cancellationToken)
    {
        return await database.InWorkAsync(
            async work =>
            {
                var row = await FindAsync(work, modelId, promotion);
                return row.Status == PromotionStatus.Pending
                    ? row.ToContract(await evidence.ReadAsync(work, row.ModelId, row.Version, await RuleStore.FindAsync(work, row.ModelId, row.Target)))
                    : row.ToContract();
            },
            cancellationToken);
    }

    /// <summary>Approves: the evidence is looked at once more, and the version moves in the same transaction.</summary>
    /// <exception cref="ApiException">
    /// 403 for whoever asked and for whoever may not decide; 409 <c>evidence_missing</c>, or <c>illegal_transition</c> for a request that is no longer pending.
    /// </exception>
    public async Task<ModelPromotion> ApproveAsync(ModelVersionRow version, string promotion, string? comment, Caller caller, CancellationToken cancellationToken)
    {
        await FoldAsync(version, cancellationToken);
        return await DecideAsync(
            version.ModelId,
            promotion,
            PromotionStatus.Approved,
            comment,
            caller,
            async (work, row, rule) =>
            {
                RequireApprover(row, caller, await IsMaintainerAsync(work, row.ProjectId, caller), rule);
                var found = await evidence.ReadAsync(work, row.ModelId, row.Version, rule);
                if (found.Where(piece => !piece.Passed).Select(piece => piece.Name).ToList() is { Count: > 0 } missing)
                {
                    throw new ApiException(ErrorCodes.EvidenceMissing, string.Join(", ", missing));
                }

                var place = new VersionPlace(row.ModelId, row.ModelName, row.ProjectId, row.Version);
                await (row.Kind == PromotionTargetKind.Alias
                    ? moves.SetAliasAsync(work, place, row.Name, row.Id, caller)
                    : moves.SetStageAsync(work, place, EnumText.Parse<ModelStage>(row.Name, "stage")!.Value, row.ArchiveExisting, row.Id, caller));
                return found;
            },
            cancellationToken);
    }

    /// <summary>Rejects.</summary>
    /// <exception cref="ApiException">As <see cref="ApproveAsync"/>.</exception>
    public Task<ModelPromotion> RejectAsync(string modelId, string promotion, string? comment, Caller caller, CancellationToken cancellationToken)
        => DecideAsync(
            modelId,
            promotion,
            PromotionStatus.Rejected,
            comment,
            caller,
            async (work, row, rule) =>
            {
                RequireApprover(row, caller, await IsMaintainerAsync(work, row.ProjectId, caller), rule);
                return await evidence.ReadAsync(work, row.ModelId, row.Version, rule);
            },
            cancellationToken);

    /// <summary>Takes a request back; only whoever asked may.</summary>
    /// <exception cref="ApiException">403; 409 <c>illegal_transition</c>.</exception>
    public Task<ModelPromotion> WithdrawAsync(string modelId, string promotion, string? comment, Caller caller, CancellationToken cancellationToken)
        => DecideAsync(
            modelId,
            promotion,
            PromotionStatus.Withdrawn,
            comment,
            caller,
            (work, row, rule) => row.RequestedBy == caller.UserId ? evidence.ReadAsync(work, row.ModelId, row.Version, rule) : throw new ApiException(ErrorCodes.Forbidden),
            cancellationToken);

    /// <summary>Ends requests whose time is up, a bounded number of them.</summary>
    public Task<int> ExpireAsync(int limit, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                var expired = await work.QueryAsync<string>(
                    """
                    UPDATE model_promotions SET status = 'expired', decided_at = @now
                    WHERE id IN (SELECT id FROM model_promotions WHERE status = 'pending' AND expires_at <= @now ORDER BY expires_at LIMIT @limit FOR UPDATE SKIP LOCKED) RETURNING id
                    """,
                    new { now = time.GetUtcNow(), limit });
                foreach (var id in expired)
                {
                    await AnnounceAsync(work, id, "model.promotion.expired");
                }

                return expired.Count;
            },
            cancellationToken);

    /// <summary>Passes for somebody who may decide about the request.</summary>
    /// <exception cref="ApiException">403 <c>forbidden</c>, or <c>own_request</c> for whoever asked, unless the rule allows it.</exception>
    internal static void RequireApprover(PromotionRow row, Caller caller, bool maintainer, PromotionRule? rule)
    {
        var approver = rule?.Approver ?? PromotionApprover.Maintainer;
        // Services and jobs ask; people decide.
        var person = caller.Role is CallerRole.Member or CallerRole.Administrator;
        if (!person || !(caller.Role == CallerRole.Administrator || (approver == PromotionApprover.Maintainer && maintainer)))
        {
            throw new ApiException(ErrorCodes.Forbidden);
        }

        if (row.RequestedBy == caller.UserId && rule is not { AllowSelfApproval: true })
        {
            throw new ApiException(ErrorCodes.OwnRequest);
        }
    }

    private async Task<ModelPromotion> DecideAsync(
        string modelId, string promotion, PromotionStatus to, string? comment, Caller caller,
        Func<UnitOfWork, PromotionRow, PromotionRule?, Task<IReadOnlyList<PromotionEvidence>>> decide, CancellationToken cancellationToken)
    {
        // An overdue request ends here and not at the next tick; that must last although the caller is refused.
        await ExpireAsync(100, cancellationToken);
        return await database.InWorkAsync(
            async work =>
            {
                await ModelMoves.LockAsync(work, modelId);
                var row = await FindAsync(work, modelId, promotion);
                PromotionTransitions.Require(row.Status == PromotionStatus.Pending && row.ExpiresAt <= time.GetUtcNow() ? PromotionStatus.Expired : row.Status, to);
                var found = await decide(work, row, await RuleStore.FindAsync(work, row.ModelId, row.Target));
                await work.ExecuteAsync(
                    """
                    UPDATE model_promotions SET status = @status, evidence = @evidence::jsonb, decided_by = @by, decided_by_name = @name, decided_at = @now, decision_comment = @comment
                    WHERE id = @Id
                    """,
                    new { row.Id, status = to.ToText(), evidence = JsonSerializer.Serialize(found, ContractsJson.Strict), by = caller.UserId, name = caller.Name, now = time.GetUtcNow(), comment });
                return (await AnnounceAsync(work, row.Id, $"model.promotion.{to.ToText()}")).ToContract();
            },
            cancellationToken);
    }

    private static Task<bool> IsMaintainerAsync(UnitOfWork work, string projectId, Caller caller)
        => work.SingleAsync<bool>($"SELECT {ProjectAccess.Reaches("@projectId")}", new { projectId, owner = caller.OwnerFilter });

    private static async Task<PromotionRow> FindAsync(UnitOfWork work, string modelId, string promotion)
        => await work.FindAsync<PromotionRow>($"{PromotionRow.Select} WHERE q.id = @promotion AND q.model_id = @modelId", new { promotion, modelId })
            ?? throw ApiException.NotFound("promotion", promotion);

    private async Task<PromotionRow> AnnounceAsync(UnitOfWork work, string id, string kind)
    {
        var row = await work.SingleAsync<PromotionRow>($"{PromotionRow.Select} WHERE q.id = @id", new { id });
        await events.PublishAsync(
            work, $"project:{row.ProjectId}", kind, new { row.Id, model = row.ModelName, row.Version, target = row.Target, row.Status, by = row.DecidedByName ?? row.RequestedByName });
        return row;
    }

    // Thresholds read the last values of the run: what was acknowledged before must be in them.
    private Task FoldAsync(ModelVersionRow version, CancellationToken cancellationToken)
        => version.RunId is { } run ? summaries.EnsureAsync([run], cancellationToken) : Task.CompletedTask;
}
