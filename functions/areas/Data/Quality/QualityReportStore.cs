using AiPlatform.Contracts;
using AiPlatform.Contracts.Quality;
using AiPlatform.Data.Datasets;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Delivery;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Events;
using AiPlatform.Kernel.Postgres;
using Dapper;
using Npgsql;

namespace AiPlatform.Data.Quality;

/// <summary>Quality reports, plans and overrides in PostgreSQL. For others: <see cref="LatestAsync"/> says what is known about a version.</summary>
internal sealed class QualityReportStore(Database database, IOutbox outbox, EventStream events, TimeProvider time) : IReach<QualityReportRow>
{
    /// <summary>Writes a report and the start of its orchestration in one transaction.</summary>
    /// <exception cref="ApiException">409 while another report of the version is made; 400 when the baseline has no report.</exception>
    public async Task<QualityReportRow> CreateAsync(
        DatasetVersionRow version, string? plan, int? baselineVersion, Caller caller, CancellationToken cancellationToken)
    {
        try
        {
            return await database.InWorkAsync(
                async work =>
                {
                    var id = Ids.New(time);
                    var baseline = await BaselineAsync(work, version, baselineVersion);
                    await work.ExecuteAsync(
                        """
                        INSERT INTO quality_reports (id, project_id, version_id, status, plan, baseline_id, created_by, created_at)
                        SELECT @id, @projectId, @versionId, 'pending',
                            coalesce(@plan, (SELECT plan FROM quality_plans WHERE dataset_id = @datasetId), ''), @baseline, @by, @now
                        """,
                        new { id, projectId = version.ProjectId, versionId = version.Id, datasetId = version.DatasetId, plan, baseline, by = caller.UserId, now = time.GetUtcNow() });
                    await outbox.EnqueueAsync(work, OutboxMessage.Start(QualityReports.Orchestration, id, new QualityReportInput(id)));
                    return await ReadAsync(work, id);
                },
                cancellationToken);
        }
        catch (PostgresException exception) when (Database.IsUniqueViolation(exception, "quality_reports_live"))
        {
            throw new ApiException(ErrorCodes.InUse, $"{version.DatasetId}@{version.Version}", "qualityReport");
        }
    }

    /// <inheritdoc />
    Task<QualityReportRow> IReach<QualityReportRow>.RequireAsync(RouteValueDictionary path, Caller caller, CancellationToken cancellationToken)
        => GetAsync(path.Text("report"), caller, cancellationToken);

    /// <summary>A report that the caller reaches.</summary>
    /// <exception cref="ApiException">404.</exception>
    public async Task<QualityReportRow> GetAsync(string id, Caller caller, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<QualityReportRow>(new CommandDefinition(
                $"""
                SELECT {QualityReportRow.Columns} FROM {QualityReportRow.From}
                WHERE r.id = @id AND d.deleted_at IS NULL AND {ProjectAccess.Reaches("r.project_id")}
                """,
                new { id, owner = caller.OwnerFilter },
                cancellationToken: cancellationToken))
            ?? throw ApiException.NotFound("qualityReport", id);
    }

    /// <summary>One more report of a version than asked for, newest first.</summary>
    public async Task<IEnumerable<QualityReportRow>> ListAsync(string versionId, string? after, int size, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QueryAsync<QualityReportRow>(new CommandDefinition(
            $"""
            SELECT {QualityReportRow.Columns} FROM {QualityReportRow.From}
            WHERE r.version_id = @versionId AND (@after::text IS NULL OR r.id < @after) ORDER BY r.id DESC LIMIT @limit
            """,
            new { versionId, after, limit = size + 1 },
            cancellationToken: cancellationToken));
    }

    /// <summary>The newest report of a version that succeeded, whether the version may be used, and who decided so.</summary>
    public async Task<VersionQuality> LatestAsync(string versionId, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var latest = await connection.QuerySingleOrDefaultAsync<QualityReportRow>(new CommandDefinition(
            $"SELECT {QualityReportRow.Columns} FROM {QualityReportRow.From} WHERE r.version_id = @versionId AND r.status = 'succeeded' ORDER BY r.id DESC LIMIT 1",
            new { versionId },
            cancellationToken: cancellationToken));
        var decided = latest is null ? null : await connection.QuerySingleOrDefaultAsync<OverrideRow>(new CommandDefinition(
            "SELECT created_by_name, reason, created_at FROM quality_overrides WHERE report_id = @id", new { id = latest.Id }, cancellationToken: cancellationToken));
        return new VersionQuality(
            latest?.ToContract(), latest?.Blocked != true || decided is not null, decided is null ? null : new QualityOverride(decided.CreatedByName, decided.Reason, decided.CreatedAt));
    }

    /// <summary>The compressed document of a report; null while there is none.</summary>
    public async Task<byte[]?> DocumentAsync(string id, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<byte[]?>(
            new CommandDefinition("SELECT document FROM quality_reports WHERE id = @id", new { id }, cancellationToken: cancellationToken));
    }

    /// <summary>Ends a report that is not done yet, and its orchestration with it. Repeating it changes nothing.</summary>
    public Task CancelAsync(string id, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                var row = await LockAsync(work, id);
                if (row.Status != QualityReportStatus.Cancelled)
                {
                    QualityTransitions.Require(row.Status, QualityReportStatus.Cancelled);
                    await EndAsync(work, row, QualityReportStatus.Cancelled, null);
                    await outbox.EnqueueAsync(work, OutboxMessage.Terminate(id, "cancelled"));
                }
            },
            cancellationToken);

    /// <summary>Lets the version of a report be used although the report blocks it; it is written who did and why.</summary>
    /// <exception cref="ApiException">409 when there is nothing to override, or it is overridden.</exception>
    public async Task OverrideAsync(string versionId, string reason, Caller caller, CancellationToken cancellationToken)
    {
        var quality = await LatestAsync(versionId, cancellationToken);
        if (quality.Latest is not { Blocked: true } report || quality.Override is not null)
        {
            throw ApiException.IllegalTransition("datasetVersion", "usable", "overridden");
        }

        await database.InWorkAsync(
            async work =>
            {
                await work.ExecuteAsync(
                    """
                    INSERT INTO quality_overrides (report_id, reason, created_by, created_by_name, created_at) VALUES (@id, @reason, @by, @name, @now)
                    ON CONFLICT (report_id) DO NOTHING
                    """,
                    new { id = report.Id, reason, by = caller.UserId, name = caller.Name, now = time.GetUtcNow() });
                await events.PublishAsync(work, $"project:{report.ProjectId}", "quality.override", new { reportId = report.Id, versionId, by = caller.Name, reason });
            },
            cancellationToken);
    }

    /// <summary>The plan of a dataset; empty for none.</summary>
    public async Task<string> PlanAsync(string datasetId, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<string>(
            new CommandDefinition("SELECT plan FROM quality_plans WHERE dataset_id = @datasetId", new { datasetId }, cancellationToken: cancellationToken)) ?? string.Empty;
    }

    /// <summary>Replaces the plan of a dataset.</summary>
    public async Task SetPlanAsync(string datasetId, string plan, Caller caller, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition(
            """
            INSERT INTO quality_plans (dataset_id, plan, updated_by, updated_at) VALUES (@datasetId, @plan, @by, @now)
            ON CONFLICT (dataset_id) DO UPDATE SET plan = excluded.plan, updated_by = excluded.updated_by, updated_at = excluded.updated_at
            """,
            new { datasetId, plan, by = caller.UserId, now = time.GetUtcNow() },
            cancellationToken: cancellationToken));
    }

    /// <summary>The report, locked until the transaction ends.</summary>
    internal static async Task<QualityReportRow> LockAsync(UnitOfWork work, string id)
        => await work.FindAsync<string>("SELECT id FROM quality_reports WHERE id = @id FOR UPDATE", new { id }) is null
            ? throw ApiException.NotFound("qualityReport", id)
            : await ReadAsync(work, id);

    /// <summary>Ends a report: its parts go, listeners learn of it.</summary>
    internal async Task EndAsync(UnitOfWork work, QualityReportRow row, QualityReportStatus status, string? reason)
    {
        await work.ExecuteAsync(
            "UPDATE quality_reports SET status = @status, reason = @reason, ended_at = @now WHERE id = @id; DELETE FROM quality_parts WHERE report_id = @id",
            new { id = row.Id, status = status.ToText(), reason, now = time.GetUtcNow() });
        await PublishAsync(work, row.Id);
    }

    /// <summary>Tells listeners of the project how a report is.</summary>
    internal async Task PublishAsync(UnitOfWork work, string id)
    {
        var row = await ReadAsync(work, id);
        await events.PublishAsync(work, $"project:{row.ProjectId}", "quality.report", row.ToContract());
    }

    private static Task<QualityReportRow> ReadAsync(UnitOfWork work, string id)
        => work.SingleAsync<QualityReportRow>($"SELECT {QualityReportRow.Columns} FROM {QualityReportRow.From} WHERE r.id = @id", new { id });

    private static async Task<string?> BaselineAsync(UnitOfWork work, DatasetVersionRow version, int? baselineVersion)
    {
        var found = await work.FindAsync<string>(
            """
            SELECT r.id FROM dataset_versions v JOIN quality_reports r ON r.version_id = v.id AND r.status = 'succeeded'
            WHERE v.dataset_id = @datasetId AND (v.version = @baselineVersion OR (@baselineVersion::int IS NULL AND v.version < @version))
            ORDER BY v.version DESC, r.id DESC LIMIT 1
            """,
            new { datasetId = version.DatasetId, version = version.Version, baselineVersion });
        Check.That(found is not null || baselineVersion is null, "baselineVersion", "noReport", baselineVersion);
        return found;
    }

    private sealed class OverrideRow
    {
        public required string CreatedByName { get; init; }

        public required string Reason { get; init; }

        public DateTimeOffset CreatedAt { get; init; }
    }
}
