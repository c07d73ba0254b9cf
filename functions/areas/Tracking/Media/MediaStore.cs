using System.Globalization;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Kernel.Blobs;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Events;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Tracking;
using AiPlatform.Tracking.Artifacts;
using AiPlatform.Tracking.Runs;
using Dapper;

namespace AiPlatform.Tracking.Media;

/// <summary>Media of runs: rows by key and step; the bytes are artifacts.</summary>
internal sealed class MediaStore(Database database, BlobStorage storage, EventStream events, TimeProvider time)
{
    private const int MaxKeys = 1_000;

    /// <summary>Stores a piece of media; the same content at the same place is one item.</summary>
    public async Task<MediaRow> AddAsync(RunRow run, LogMediaRequest request, MediaContent content, CancellationToken cancellationToken)
    {
        var hex = Convert.ToHexStringLower(content.Sha256);
        var path = string.Create(CultureInfo.InvariantCulture, $"media/{request.Key}/{request.Step:D9}-{request.Attempt ?? 1}-{hex[..16]}.{content.Extension}");
        await storage.WriteAsync(BlobStorage.Runs, RunBlob.Name(run.Id, hex, path), new BinaryData(content.Bytes), cancellationToken);
        return await database.InWorkAsync(
            async work =>
            {
                var parameters = new
                {
                    id = Ids.New(time),
                    artifact = Ids.New(time),
                    runId = run.Id,
                    projectId = run.ProjectId,
                    key = request.Key,
                    kind = request.Kind.ToText(),
                    step = request.Step,
                    attempt = request.Attempt,
                    caption = request.Caption,
                    path,
                    type = content.ContentType,
                    size = content.Bytes.LongLength,
                    sha256 = content.Sha256,
                    width = content.Width,
                    height = content.Height,
                    now = time.GetUtcNow(),
                };
                await work.ExecuteAsync(
                    """
                    INSERT INTO artifacts (id, run_id, project_id, path, kind, size_bytes, sha256, step, attempt, created_at)
                    VALUES (@artifact, @runId, @projectId, @path, 'file', @size, @sha256, @step, @attempt, @now)
                    ON CONFLICT (run_id, path) DO UPDATE SET size_bytes = excluded.size_bytes, sha256 = excluded.sha256
                    """,
                    parameters);
                var row = await work.SingleAsync<MediaRow>(
                    $"""
                    INSERT INTO run_media AS m (id, run_id, key, kind, step, attempt, caption, path, content_type, size_bytes, sha256, width, height, created_at)
                    VALUES (@id, @runId, @key, @kind, @step, @attempt, @caption, @path, @type, @size, @sha256, @width, @height, @now)
                    ON CONFLICT (run_id, path) DO UPDATE SET caption = excluded.caption, kind = excluded.kind, content_type = excluded.content_type
                    RETURNING {MediaRow.Columns}
                    """,
                    parameters);
                await events.PublishAsync(work, $"run:{run.Id}", "run.media", row.ToContract());
                return row;
            },
            cancellationToken);
    }

    /// <summary>One more item than asked for, by key and step.</summary>
    /// <exception cref="ApiException">400 for a kind that is none.</exception>
    public async Task<IEnumerable<MediaRow>> ListAsync(string runId, MediaFilter filter, string[]? after, int size, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QueryAsync<MediaRow>(new CommandDefinition(
            $"""
            SELECT {MediaRow.Columns} FROM run_media m
            WHERE m.run_id = @runId AND (@key::text IS NULL OR m.key = @key) AND (@kind::text IS NULL OR m.kind = @kind)
              AND m.step >= @from AND m.step <= @to AND (@afterKey::text IS NULL OR (m.key, m.step, m.id) > (@afterKey, @afterStep, @afterId))
            ORDER BY m.key, m.step, m.id LIMIT @limit
            """,
            new
            {
                runId,
                key = filter.Key,
                kind = EnumText.Parse<MediaKind>(filter.Kind, "kind")?.ToText(),
                from = filter.FromStep ?? long.MinValue,
                to = filter.ToStep ?? long.MaxValue,
                afterKey = after?[0],
                afterStep = after is null ? 0 : StepOf(after[1]),
                afterId = after?[2] ?? string.Empty,
                limit = size + 1,
            },
            cancellationToken: cancellationToken));
    }

    /// <summary>What the run has, by key.</summary>
    public async Task<IReadOnlyList<MediaKey>> KeysAsync(string runId, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return [.. (await connection.QueryAsync<KeyRow>(new CommandDefinition(
            "SELECT key, kind, count(*) AS count, min(step) AS first, max(step) AS last FROM run_media WHERE run_id = @runId GROUP BY key, kind ORDER BY key, kind LIMIT @MaxKeys",
            new { runId, MaxKeys },
            cancellationToken: cancellationToken))).Select(row => new MediaKey(row.Key, row.Kind, row.Count, row.First, row.Last))];
    }

    /// <summary>An item.</summary>
    /// <exception cref="ApiException">404.</exception>
    public async Task<MediaRow> GetAsync(string runId, string id, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<MediaRow>(new CommandDefinition(
                $"SELECT {MediaRow.Columns} FROM run_media m WHERE m.run_id = @runId AND m.id = @id", new { runId, id }, cancellationToken: cancellationToken))
            ?? throw ApiException.NotFound("media", id);
    }

    private static long StepOf(string text)
        => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var step)
            ? step
            : throw new ApiException(Contracts.ErrorCodes.InvalidPageToken) { Field = "pageToken" };

    private sealed class KeyRow
    {
        public required string Key { get; init; }

        public MediaKind Kind { get; init; }

        public long Count { get; init; }

        public long First { get; init; }

        public long Last { get; init; }
    }
}

/// <summary>A row of <c>run_media</c>.</summary>
internal sealed class MediaRow
{
    public const string Columns = "m.id, m.run_id, m.key, m.kind, m.step, m.attempt, m.caption, m.path, m.content_type, m.size_bytes, m.sha256, m.width, m.height, m.created_at";

    public required string Id { get; init; }

    public required string RunId { get; init; }

    public required string Key { get; init; }

    public MediaKind Kind { get; init; }

    public long Step { get; init; }

    public int? Attempt { get; init; }

    public string? Caption { get; init; }

    public required string Path { get; init; }

    public required string ContentType { get; init; }

    public long SizeBytes { get; init; }

    public required byte[] Sha256 { get; init; }

    public int? Width { get; init; }

    public int? Height { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public string Hex => Convert.ToHexStringLower(Sha256);

    public string Blob => RunBlob.Name(RunId, Hex, Path);

    public MediaItem ToContract() => new(Id, RunId, Key, Kind, Step, Attempt, Caption, Path, ContentType, SizeBytes, Hex, Width, Height, CreatedAt);
}
