using System.Net;
using AiPlatform.Client;
using AiPlatform.GpuRunner.Lease;
using AiPlatform.Hosting;

namespace AiPlatform.GpuRunner.Report;

/// <summary>Sends the records of a spool in order until they are acknowledged; waits as long as it takes.</summary>
internal abstract class SpoolSender(NodeKey node, DurableSpool spool, TimeSpan interval, TimeProvider time, ILogger logger) : BackgroundLoop(time, logger)
{
    private readonly TimeProvider _time = time;
    private readonly ILogger _logger = logger;

    /// <summary>Whether nothing waits.</summary>
    public bool IsDrained => spool.Pending == 0;

    /// <inheritdoc />
    protected override TimeSpan IdleDelay => interval;

    /// <summary>The most records that one step looks at.</summary>
    protected virtual int MaxRecords => 1;

    /// <summary>Waits until everything has been acknowledged.</summary>
    public async Task DrainAsync(CancellationToken cancellationToken)
    {
        while (!IsDrained)
        {
            Wake();
            await Task.Delay(TimeSpan.FromMilliseconds(20), _time, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Sends some of the records, at least the first; says how many were taken.</summary>
    protected abstract Task<int> SendAsync(IReadOnlyList<SpoolRecord> records, CancellationToken cancellationToken);

    /// <summary>Notes that a record was refused for good and is dropped.</summary>
    protected virtual void OnRefused(SpoolRecord record, string reason)
    {
    }

    /// <inheritdoc />
    protected override async Task<bool> StepAsync(CancellationToken cancellationToken)
    {
        var records = spool.Read(MaxRecords, DurableSpool.MaxPayload);
        if (records.Count == 0)
        {
            return false;
        }

        // What came in while this was sent waits for the interval, so that requests stay few.
        var sent = await SendOrDropAsync(records, cancellationToken).ConfigureAwait(false);
        spool.Acknowledge(records[sent - 1]);
        return sent < records.Count || records.Count == MaxRecords;
    }

    /// <summary>Whether a repeat gives the same answer. A refused token does not count: the next heartbeat brings a fresh one.</summary>
    internal static bool IsRefusal(ApiException exception)
        => !exception.IsTransient && exception.Status is >= HttpStatusCode.BadRequest and not HttpStatusCode.Unauthorized;

    // A refused batch is halved until the record at fault stands alone: only that one is dropped.
    private async Task<int> SendOrDropAsync(IReadOnlyList<SpoolRecord> records, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return await SendAsync(records, cancellationToken).ConfigureAwait(false);
            }
            catch (ApiException exception) when (IsRefusal(exception))
            {
                if (records.Count == 1)
                {
                    Logs.RecordRefused(_logger, node, exception.Message);
                    OnRefused(records[0], exception.Message);
                    return 1;
                }

                records = [.. records.Take(records.Count / 2)];
            }
        }
    }
}
