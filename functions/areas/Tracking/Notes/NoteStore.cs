using AiPlatform.Contracts;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Events;
using AiPlatform.Kernel.Postgres;
using Dapper;

namespace AiPlatform.Tracking.Notes;

/// <summary>
/// Notes of runs with all their versions. The current text is also the tag in which MLflow clients keep a run's notes, as
/// far as a tag holds it; what such a client writes there counts until the next version.
/// </summary>
internal sealed class NoteStore(Database database, EventStream events, TimeProvider time)
{
    private const string Tag = "mlflow.note.content";
    private const int MaxTag = 8_000;
    private const string Columns = "n.version, n.text, n.author_id, n.author_name, n.created_at";

    /// <summary>The current notes; empty ones when there are none.</summary>
    public async Task<RunNote> GetAsync(string runId, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var note = await connection.QuerySingleOrDefaultAsync<NoteRow>(new CommandDefinition(
            $"SELECT {Columns} FROM run_notes n WHERE n.run_id = @runId ORDER BY n.version DESC LIMIT 1", new { runId }, cancellationToken: cancellationToken));
        var tag = await connection.ExecuteScalarAsync<string?>(new CommandDefinition(
            "SELECT value FROM run_tags WHERE run_id = @runId AND key = @Tag", new { runId, Tag }, cancellationToken: cancellationToken));
        if (tag is not null && tag != TagOf(note?.Text ?? string.Empty))
        {
            return new RunNote(tag, note?.Version ?? 0, null, null, null);
        }

        return note?.ToContract() ?? new RunNote(string.Empty, 0, null, null, null);
    }

    /// <summary>One more version than asked for, newest first.</summary>
    public async Task<IEnumerable<RunNote>> ListAsync(string runId, long? before, int size, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return (await connection.QueryAsync<NoteRow>(new CommandDefinition(
            $"SELECT {Columns} FROM run_notes n WHERE n.run_id = @runId AND (@before::bigint IS NULL OR n.version < @before) ORDER BY n.version DESC LIMIT @limit",
            new { runId, before, limit = size + 1 },
            cancellationToken: cancellationToken))).Select(row => row.ToContract());
    }

    /// <summary>Writes the next version.</summary>
    /// <param name="expected">The version that the writer has seen; null when the writer does not mind.</param>
    /// <exception cref="ApiException">412 when somebody else wrote meanwhile.</exception>
    public Task<RunNote> WriteAsync(string runId, string text, long? expected, Caller caller, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                await work.ExecuteAsync("SELECT 1 FROM runs WHERE id = @runId FOR NO KEY UPDATE", new { runId });
                var current = await work.SingleAsync<long>("SELECT coalesce(max(version), 0) FROM run_notes WHERE run_id = @runId", new { runId });
                if (expected is not null && expected != current)
                {
                    throw new ApiException(ErrorCodes.PreconditionFailed);
                }

                var note = await work.SingleAsync<NoteRow>(
                    $"""
                    INSERT INTO run_notes AS n (run_id, version, text, author_id, author_name, created_at)
                    VALUES (@runId, @version, @text, @author, @name, @now) RETURNING {Columns}
                    """,
                    new { runId, version = current + 1, text, author = caller.UserId, name = caller.Name, now = time.GetUtcNow() });
                await work.ExecuteAsync(
                    "INSERT INTO run_tags (run_id, key, value) VALUES (@runId, @Tag, @value) ON CONFLICT (run_id, key) DO UPDATE SET value = excluded.value",
                    new { runId, Tag, value = TagOf(text) });
                await events.PublishAsync(work, $"run:{runId}", "run.notes", new { note.Version, author = caller.Name });
                return note.ToContract();
            },
            cancellationToken);

    private static string TagOf(string text) => text.Length <= MaxTag ? text : text[..(char.IsHighSurrogate(text[MaxTag - 1]) ? MaxTag - 1 : MaxTag)];

    private sealed class NoteRow
    {
        public long Version { get; init; }

        public required string Text { get; init; }

        public string? AuthorId { get; init; }

        public string? AuthorName { get; init; }

        public DateTimeOffset CreatedAt { get; init; }

        public RunNote ToContract() => new(Text, Version, AuthorId, AuthorName, CreatedAt);
    }
}
