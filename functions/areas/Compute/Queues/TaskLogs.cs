using AiPlatform.Contracts.Queues;
using AiPlatform.Kernel.Blobs;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Garbage;
using AiPlatform.Kernel.Postgres;
using Dapper;
using Microsoft.Extensions.Options;

namespace AiPlatform.Compute.Queues;

/// <summary>
/// The output of attempts: a small blob for each, replaced as a whole while the attempt runs. It goes as long after the last write as
/// tasks are kept, so it outlives its task by little and needs no row of its own.
/// </summary>
internal sealed class TaskLogs(Database database, BlobStorage storage, GarbageQueue garbage, IOptions<QueueOptions> options) : IGarbageSource
{
    private const string Folder = "tasks/";

    /// <inheritdoc />
    public string Container => BlobStorage.Jobs;

    /// <summary>Keeps what an attempt has said so far. What comes from an attempt that is over changes nothing.</summary>
    public async Task WriteAsync(string taskId, int fence, ReadOnlyMemory<byte> text, CancellationToken cancellationToken)
    {
        if (await FindAttemptAsync(taskId, fence, cancellationToken) is not { } attempt)
        {
            return;
        }

        // Announced first: a crash in between leaves nothing behind.
        var name = BlobName(taskId, attempt);
        await garbage.ExpectAsync(Container, name, options.Value.Retention, cancellationToken);
        await storage.WriteAsync(Container, name, BinaryData.FromBytes(text), cancellationToken);
    }

    /// <summary>Streams what an attempt has said.</summary>
    /// <exception cref="ApiException">404: there has been no such attempt.</exception>
    public async Task<Stream> ReadAsync(QueueTaskRow task, int attempt, CancellationToken cancellationToken)
        => await storage.OpenReadAsync(Container, BlobName(task.Id, attempt), 0, TaskLogRule.MaxBytes, cancellationToken)
            ?? (attempt <= task.Attempt ? Stream.Null : throw ApiException.NotFound("attempt", $"{task.Id}/{attempt}"));

    /// <summary>None: an output has had its time when it comes up.</summary>
    public Task<IReadOnlyCollection<string>> ReferencedAsync(UnitOfWork work, string[] names) => Task.FromResult<IReadOnlyCollection<string>>([]);

    private static string BlobName(string taskId, int attempt) => $"{Folder}{taskId}/{attempt}.log";

    private async Task<int?> FindAttemptAsync(string taskId, int fence, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<int?>(new CommandDefinition(
            "SELECT attempt FROM queue_tasks WHERE id = @taskId AND fence = @fence AND status = 'running'", new { taskId, fence }, cancellationToken: cancellationToken));
    }
}
