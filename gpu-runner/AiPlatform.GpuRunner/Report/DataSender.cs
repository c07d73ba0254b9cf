using AiPlatform.Client;
using AiPlatform.Contracts.Experiments;
using AiPlatform.GpuRunner.Lease;

namespace AiPlatform.GpuRunner.Report;

/// <summary>Sends metrics, parameters and tags; metrics of one source that follow each other go in one batch.</summary>
internal sealed class DataSender(
    NodeState state, DurableSpool spool, AiPlatformClient client, TimeSpan interval, TimeProvider time, ILogger<DataSender> logger)
    : SpoolSender(state.Key, spool, interval, time, logger)
{
    private const int MaxPoints = 1_000;

    /// <inheritdoc />
    protected override int MaxRecords => MaxPoints;

    /// <inheritdoc />
    protected override async Task<int> SendAsync(IReadOnlyList<SpoolRecord> records, CancellationToken cancellationToken)
    {
        switch (UploadRecord.Deserialize(records[0].Payload))
        {
            case MetricsRecord first:
                var (points, taken) = Merge(first, records);
                var request = new LogMetricsRequest(state.Attempt, first.Source, first.FirstSequence, points);
                await client.LogMetricsAsync(state.RunId, request, cancellationToken).ConfigureAwait(false);
                return taken;
            case ParamsRecord { Values: var values }:
                await client.LogParamsAsync(state.RunId, new LogParamsRequest(values), cancellationToken).ConfigureAwait(false);
                return 1;
            case TagsRecord { Values: var values }:
                await client.SetTagsAsync(state.RunId, new SetTagsRequest(values), cancellationToken).ConfigureAwait(false);
                return 1;
            case ResumeRecord { Step: var step }:
                await client.ResumeAttemptAsync(state.RunId, state.Attempt, new ResumeRequest(step), cancellationToken).ConfigureAwait(false);
                return 1;
            case var other:
                throw new InvalidDataException($"A {other.GetType().Name} does not belong into this spool.");
        }
    }

    private static (List<MetricPoint> Points, int Taken) Merge(MetricsRecord first, IReadOnlyList<SpoolRecord> records)
    {
        var points = new List<MetricPoint>(first.Points);
        var taken = 1;
        while (taken < records.Count
            && UploadRecord.Deserialize(records[taken].Payload) is MetricsRecord next
            && next.Source == first.Source
            && next.FirstSequence == first.FirstSequence + points.Count
            && points.Count + next.Points.Count <= MaxPoints)
        {
            points.AddRange(next.Points);
            taken++;
        }

        return (points, taken);
    }
}
