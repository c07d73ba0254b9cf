using AiPlatform.Contracts;
using AiPlatform.Kernel.Blobs;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Events;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Compute.Jobs;

/// <summary>Logs of ranks in append blobs.</summary>
internal sealed class JobLogs(Database database, BlobStorage storage, EventStream events)
{
    /// <summary>The blob of a rank's log.</summary>
    public static string BlobName(string jobId, int attempt, int rank) => $"{jobId}/{attempt}/rank-{rank}.log";

    /// <summary>Appends a chunk at exactly its offset. What is stored already is skipped, so that every chunk may be sent again.</summary>
    /// <returns>The log's length afterwards.</returns>
    /// <exception cref="ApiException">409 <c>log_gap</c> with the length that the log has.</exception>
    public async Task<long> AppendAsync(JobRank rank, long offset, ReadOnlyMemory<byte> chunk, CancellationToken cancellationToken)
    {
        var name = BlobName(rank.Job.Id, rank.Attempt, rank.Rank);
        if (chunk.IsEmpty)
        {
            return await storage.LengthAsync(BlobStorage.Jobs, name, cancellationToken) ?? 0;
        }

        var end = offset + chunk.Length;
        var length = await storage.AppendAsync(BlobStorage.Jobs, name, offset, chunk, cancellationToken);
        if (length > offset && length < end)
        {
            // The log ends inside this chunk: another division into chunks was sent before.
            var rest = chunk[(int)(length - offset)..];
            length = await storage.AppendAsync(BlobStorage.Jobs, name, length, rest, cancellationToken);
        }

        if (length < end)
        {
            throw new ApiException(ErrorCodes.LogGap, length, offset);
        }

        await database.InWorkAsync(work => events.PublishAsync(work, $"job:{rank.Job.Id}", "job.log", new JobLogGrowth(rank.Attempt, rank.Rank, length)), cancellationToken);
        return length;
    }

    /// <summary>Streams a part of a log; empty where there is nothing.</summary>
    public async Task<Stream> ReadAsync(JobRank rank, long offset, int limit, CancellationToken cancellationToken)
        => await storage.OpenReadAsync(BlobStorage.Jobs, BlobName(rank.Job.Id, rank.Attempt, rank.Rank), offset, limit, cancellationToken) ?? Stream.Null;

    private sealed record JobLogGrowth(int Attempt, int Rank, long Length);
}
