using AiPlatform.Client;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Experiments;
using AiPlatform.GpuRunner.Lease;

namespace AiPlatform.GpuRunner.Report;

/// <summary>Sends metrics, parameters and tags; metrics go in batches, one per source.</summary>
internal sealed class DataSender(
    NodeState state, NodeDirectory directory, DurableSpool spool, AiPlatformClient client, TimeSpan interval, TimeProvider time,
    ILogger<DataSender> logger)
    : SpoolSender(state.Key, spool, interval, time, logger)
{
    private const int MaxPoints = 1_000;

    /// <inheritdoc />
    protected override int MaxRecords => MaxPoints;

    /// <inheritdoc />
    protected override void OnRefused(SpoolRecord record, string reason)
        => directory.NoteRefusal(UploadRecord.Deserialize(record.Payload) switch
        {
            MetricsRecord { Points: var points } => $"The metric '{points[0].Key}' could not be stored: {reason}",
            ParamsRecord { Values: var values } => $"The parameter '{values.Keys.First()}' could not be stored: {reason}",
            TagsRecord { Values: var values } => $"The tag '{values.Keys.First()}' could not be stored: {reason}",
            _ => $"The step that the attempt goes on from could not be stored: {reason}",
        });

    /// <inheritdoc />
    protected override async Task<int> SendAsync(IReadOnlyList<SpoolRecord> records, CancellationToken cancellationToken)
    {
        switch (UploadRecord.Deserialize(records[0].Payload))
        {
            case MetricsRecord first:
                return await SendMetricsAsync(first, records, cancellationToken).ConfigureAwait(false);
            case ParamsRecord { Values: var values }:
                await SendParamsAsync(values, cancellationToken).ConfigureAwait(false);
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

    // A parameter keeps its first value: that an attempt gives another one is no fault, and costs no other parameter.
    private async Task SendParamsAsync(IReadOnlyDictionary<string, string> values, CancellationToken cancellationToken)
    {
        try
        {
            await client.LogParamsAsync(state.RunId, new LogParamsRequest(values), cancellationToken).ConfigureAwait(false);
        }
        catch (ApiException exception) when (exception.Code == ErrorCodes.ValueConflict)
        {
            foreach (var (key, value) in values.Count > 1 ? values : new Dictionary<string, string>())
            {
                await SendParamsAsync(new Dictionary<string, string> { [key] = value }, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    // The metrics at the front of the spool, one request per source. A failure in between repeats them all, which changes nothing.
    private async Task<int> SendMetricsAsync(MetricsRecord first, IReadOnlyList<SpoolRecord> records, CancellationToken cancellationToken)
    {
        var batches = new Dictionary<string, (long FirstSequence, List<MetricPoint> Points)>();
        var taken = 0;
        for (var next = first; next is not null && TryAdd(batches, next);)
        {
            taken++;
            next = taken < records.Count ? UploadRecord.Deserialize(records[taken].Payload) as MetricsRecord : null;
        }

        foreach (var (source, (firstSequence, points)) in batches)
        {
            var request = new LogMetricsRequest(state.Attempt, source, firstSequence, points);
            await client.LogMetricsAsync(state.RunId, request, cancellationToken).ConfigureAwait(false);
        }

        return taken;
    }

    private static bool TryAdd(Dictionary<string, (long FirstSequence, List<MetricPoint> Points)> batches, MetricsRecord record)
    {
        if (!batches.TryGetValue(record.Source, out var batch))
        {
            batches.Add(record.Source, (record.FirstSequence, [.. record.Points]));
            return true;
        }

        if (record.FirstSequence != batch.FirstSequence + batch.Points.Count || batch.Points.Count + record.Points.Count > MaxPoints)
        {
            return false;
        }

        batch.Points.AddRange(record.Points);
        return true;
    }
}
