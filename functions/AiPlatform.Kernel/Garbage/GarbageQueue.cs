using AiPlatform.Kernel.Postgres;
using Dapper;
using Microsoft.Extensions.Options;

namespace AiPlatform.Kernel.Garbage;

/// <summary>
/// Blobs that wait for their deletion. Three rules keep a blob that is in use: its row has a time of grace, the collector asks
/// the container's <see cref="IGarbageSource"/> once more while it holds the row, and whoever stores a blob calls
/// <see cref="KeepAsync"/> before, which takes the row away, or waits until the collector is through with it.
/// </summary>
public sealed class GarbageQueue(Database database, IOptions<GarbageOptions> options, TimeProvider time)
{
    /// <summary>Takes the blob <c>@container</c>, <c>@name</c> out, as a statement among others; it waits for a collector that is at it.</summary>
    public const string Take = "DELETE FROM garbage_blobs WHERE container = @container AND name = @name";

    /// <summary>Makes the blob <c>@container</c>, <c>@name</c> due at <c>@now</c>, if it is in the queue.</summary>
    public const string Hasten = "UPDATE garbage_blobs SET due_at = @now WHERE container = @container AND name = @name";

    /// <summary>Adds what a query gives, columns <c>container, name, size_bytes, due_at</c>, as a statement among others.</summary>
    public static string AddFrom(string query) => $"""
        INSERT INTO garbage_blobs AS b (container, name, size_bytes, due_at)
        {query}
        ON CONFLICT (container, name) DO UPDATE SET due_at = greatest(b.due_at, excluded.due_at)
        """;

    /// <summary>Adds blobs whose last reference goes with this transaction.</summary>
    public Task AddAsync(UnitOfWork work, string container, IReadOnlyCollection<GarbageBlob> blobs)
        => blobs.Count == 0
            ? Task.CompletedTask
            : work.ExecuteAsync(
                AddFrom("SELECT @container, name, max(size_bytes), @due FROM unnest(@names, @sizes) AS sent (name, size_bytes) GROUP BY name ORDER BY name"),
                new
                {
                    container,
                    names = blobs.Select(static blob => blob.Name).ToArray(),
                    sizes = blobs.Select(static blob => blob.SizeBytes).ToArray(),
                    due = DueAt,
                });

    /// <summary>When a blob that is given up now may be deleted.</summary>
    public DateTimeOffset DueAt => time.GetUtcNow() + options.Value.Grace;

    /// <summary>Adds an upload that becomes garbage unless it is used and deleted within <paramref name="lifetime"/>.</summary>
    public async Task ExpectAsync(string container, string name, TimeSpan lifetime, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition(
            AddFrom("SELECT @container, @name, NULL::bigint, @due"),
            new { container, name, due = DueAt + lifetime },
            cancellationToken: cancellationToken));
    }

    /// <summary>Takes a blob out, before it is stored and referred to again.</summary>
    public async Task KeepAsync(string container, string name, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition(
            Take, new { container, name }, cancellationToken: cancellationToken));
    }
}
