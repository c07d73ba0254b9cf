using AiPlatform.Contracts;
using AiPlatform.Contracts.Models;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using Dapper;

namespace AiPlatform.Registry.Models;

/// <summary>Model cards with all their revisions, of models and of their versions.</summary>
internal sealed class CardStore(Database database, TimeProvider time)
{
    /// <summary>Stands for the model itself.</summary>
    public const int OfModel = 0;

    private const string Columns = "c.text, c.revision, c.author_id, c.author_name, c.created_at";

    /// <summary>The current card; an empty one when there is none.</summary>
    public async Task<ModelCard> GetAsync(string modelId, int version, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var row = await connection.QuerySingleOrDefaultAsync<CardRow>(new CommandDefinition(
            $"SELECT {Columns} FROM model_cards c WHERE c.model_id = @modelId AND c.version = @version ORDER BY c.revision DESC LIMIT 1",
            new { modelId, version },
            cancellationToken: cancellationToken));
        return row?.ToContract() ?? new ModelCard(string.Empty, 0, null, null, null);
    }

    /// <summary>One more revision than asked for, newest first.</summary>
    public async Task<IEnumerable<ModelCard>> ListAsync(string modelId, int version, long? before, int size, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return (await connection.QueryAsync<CardRow>(new CommandDefinition(
            $"""
            SELECT {Columns} FROM model_cards c WHERE c.model_id = @modelId AND c.version = @version AND (@before::bigint IS NULL OR c.revision < @before)
            ORDER BY c.revision DESC LIMIT @limit
            """,
            new { modelId, version, before, limit = size + 1 },
            cancellationToken: cancellationToken))).Select(row => row.ToContract());
    }

    /// <summary>Writes the next revision.</summary>
    /// <param name="expected">The revision that the writer has seen; null when the writer does not mind.</param>
    /// <exception cref="ApiException">412 when somebody else wrote meanwhile.</exception>
    public Task<ModelCard> WriteAsync(string modelId, int version, string text, long? expected, Caller caller, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                await ModelMoves.LockAsync(work, modelId);
                var current = await work.SingleAsync<long>(
                    "SELECT coalesce(max(revision), 0) FROM model_cards WHERE model_id = @modelId AND version = @version", new { modelId, version });
                if (expected is not null && expected != current)
                {
                    throw new ApiException(ErrorCodes.PreconditionFailed);
                }

                var row = await work.SingleAsync<CardRow>(
                    $"""
                    INSERT INTO model_cards AS c (model_id, version, revision, text, author_id, author_name, created_at)
                    VALUES (@modelId, @version, @revision, @text, @author, @name, @now) RETURNING {Columns}
                    """,
                    new { modelId, version, revision = current + 1, text, author = caller.UserId, name = caller.Name, now = time.GetUtcNow() });
                return row.ToContract();
            },
            cancellationToken);

    private sealed class CardRow
    {
        public required string Text { get; init; }

        public long Revision { get; init; }

        public required string AuthorId { get; init; }

        public required string AuthorName { get; init; }

        public DateTimeOffset CreatedAt { get; init; }

        public ModelCard ToContract() => new(Text, Revision, AuthorId, AuthorName, CreatedAt);
    }
}
