using AiPlatform.Contracts.Quality;
using AiPlatform.DataFiles.Tables;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using Dapper;

namespace AiPlatform.Data.Quality;

/// <summary>What the orchestration of a report does to it. Every step may come twice.</summary>
internal sealed class QualityWorkStore(Database database, QualityReportStore reports, TimeProvider time)
{
    /// <summary>Marks the report as running.</summary>
    public Task<QualityWork> BeginAsync(string id, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                var row = await QualityReportStore.LockAsync(work, id);
                if (row.Status != QualityReportStatus.Running)
                {
                    QualityTransitions.Require(row.Status, QualityReportStatus.Running);
                    await work.ExecuteAsync("UPDATE quality_reports SET status = 'running', started_at = @now WHERE id = @id", new { id, now = time.GetUtcNow() });
                    await reports.PublishAsync(work, id);
                }

                var (files, bytes) = await work.SingleAsync<(int Files, long Bytes)>("SELECT file_count, size_bytes FROM dataset_versions WHERE id = @id", new { id = row.VersionId });
                var repeated = await work.QueryAsync<string>(
                    "SELECT path FROM (SELECT path, row_number() OVER (PARTITION BY sha256 ORDER BY path) AS place FROM dataset_files WHERE version_id = @id) f WHERE place > 1",
                    new { id = row.VersionId });
                return new QualityWork(row.ToContract(), row.Plan, files, bytes, repeated.Count(static path => FileFormats.Of(path) == FileFormat.Image));
            },
            cancellationToken);

    /// <summary>Notes how far the report is; false when it is not wanted any more.</summary>
    public Task<bool> ProgressAsync(string id, double progress, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                var changed = await work.ExecuteAsync(
                    "UPDATE quality_reports SET progress = greatest(progress, @progress) WHERE id = @id AND status = 'running'", new { id, progress });
                if (changed > 0)
                {
                    await reports.PublishAsync(work, id);
                }

                return changed > 0;
            },
            cancellationToken);

    /// <summary>Keeps what a step found.</summary>
    public Task SetPartAsync(string id, int part, byte[] content, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                RequireRunning(await QualityReportStore.LockAsync(work, id));
                await work.ExecuteAsync(
                    "INSERT INTO quality_parts (report_id, part, content) VALUES (@id, @part, @content) ON CONFLICT (report_id, part) DO UPDATE SET content = excluded.content",
                    new { id, part, content });
            },
            cancellationToken);

    /// <summary>What a step found; null when it found nothing yet.</summary>
    public Task<byte[]?> PartAsync(string id, int part, CancellationToken cancellationToken)
        => ReadAsync("SELECT content FROM quality_parts WHERE report_id = @id AND part = @part", new { id, part }, cancellationToken);

    /// <summary>The sketches that drift is measured against; null for none.</summary>
    public Task<byte[]?> BaselineAsync(string id, CancellationToken cancellationToken)
        => ReadAsync("SELECT b.sketches FROM quality_reports r JOIN quality_reports b ON b.id = r.baseline_id WHERE r.id = @id", new { id }, cancellationToken);

    /// <summary>Ends a report well. One that has succeeded stays as it is.</summary>
    public Task CompleteAsync(string id, CompleteQualityReportRequest result, byte[] document, byte[] sketches, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                var row = await QualityReportStore.LockAsync(work, id);
                if (row.Status == QualityReportStatus.Succeeded)
                {
                    return;
                }

                QualityTransitions.Require(row.Status, QualityReportStatus.Succeeded);
                await work.ExecuteAsync(
                    """
                    UPDATE quality_reports SET score = @score, passed = @passed, blocked = @blocked, document = @document, sketches = @sketches, progress = 1 WHERE id = @id
                    """,
                    new { id, score = result.Score, passed = result.Passed, blocked = result.Blocked, document, sketches });
                await reports.EndAsync(work, row, QualityReportStatus.Succeeded, null);
            },
            cancellationToken);

    /// <summary>Ends a report badly. One that has ended stays as it is.</summary>
    public Task FailAsync(string id, string reason, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                var row = await QualityReportStore.LockAsync(work, id);
                if (!QualityTransitions.IsFinal(row.Status))
                {
                    await reports.EndAsync(work, row, QualityReportStatus.Failed, reason);
                }
            },
            cancellationToken);

    private static void RequireRunning(QualityReportRow row)
    {
        if (row.Status != QualityReportStatus.Running)
        {
            throw ApiException.IllegalTransition("qualityReport", row.Status.ToText(), QualityReportStatus.Running.ToText());
        }
    }

    private async Task<byte[]?> ReadAsync(string sql, object parameters, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<byte[]?>(new CommandDefinition(sql, parameters, cancellationToken: cancellationToken));
    }
}
