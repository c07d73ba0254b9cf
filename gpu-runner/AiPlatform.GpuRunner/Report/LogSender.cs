using AiPlatform.Client;
using AiPlatform.Contracts;
using AiPlatform.GpuRunner.Lease;
using AiPlatform.Hosting;

namespace AiPlatform.GpuRunner.Report;

/// <summary>
/// Sends a rank's log file in chunks at exact offsets. The platform says how long its copy is, so nothing about progress is kept on
/// disk: a later life begins at offset 0 and is told where to go on.
/// </summary>
internal sealed class LogSender(
    NodeKey node, int rank, string file, AiPlatformClient client, TimeSpan interval, TimeProvider time, ILogger<LogSender> logger) : BackgroundLoop(time, logger)
{
    private const int ChunkBytes = 256 * 1024;

    private readonly TimeProvider _time = time;
    private readonly ILogger _logger = logger;
    private readonly byte[] _chunk = new byte[ChunkBytes];
    private long _offset;
    private bool _refused;

    /// <summary>Whether everything in the file has been acknowledged.</summary>
    public bool IsDrained => Volatile.Read(ref _refused) || !File.Exists(file) || Interlocked.Read(ref _offset) >= new FileInfo(file).Length;

    /// <inheritdoc />
    protected override TimeSpan IdleDelay => interval;

    /// <summary>Waits until everything in the file has been acknowledged.</summary>
    public async Task DrainAsync(CancellationToken cancellationToken)
    {
        while (!IsDrained)
        {
            Wake();
            await Task.Delay(TimeSpan.FromMilliseconds(20), _time, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <inheritdoc />
    protected override async Task<bool> StepAsync(CancellationToken cancellationToken)
    {
        if (IsDrained)
        {
            return false;
        }

        int count;
        using (var source = File.OpenHandle(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite))
        {
            count = RandomAccess.Read(source, _chunk, _offset);
        }

        try
        {
            var stored = await client.AppendLogAsync(node.JobId, node.Attempt, rank, _offset, _chunk.AsMemory(0, count), cancellationToken).ConfigureAwait(false);
            Interlocked.Exchange(ref _offset, Math.Max(stored.Length, _offset + count));
        }
        catch (ApiException exception) when (exception.Code == ErrorCodes.LogGap && _offset > 0)
        {
            Interlocked.Exchange(ref _offset, 0);
            return true;
        }
        catch (ApiException exception) when (SpoolSender.IsRefusal(exception))
        {
            Logs.RecordRefused(_logger, node, exception.Message);
            Volatile.Write(ref _refused, true);
            return false;
        }

        // A full chunk means that there is more; a part of one may grow within the interval.
        return count == ChunkBytes;
    }
}
