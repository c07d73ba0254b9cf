using System.Collections.Concurrent;
using System.Diagnostics;
using AiPlatform.Hosting;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Tick;
using Prometheus;

namespace AiPlatform.Kernel.Delivery;

/// <summary>
/// The engine of one channel: at least once, one key at a time, by any number of instances. A claim is a lease (<c>due_at</c> in the future): what a
/// killed process held, another one delivers; one that stops hands over at once. Each key's rows are a task of their own, so that a slow receiver
/// delays only what is for it.
/// </summary>
public sealed partial class DeliveryLoop<TChannel, TRow> : BackgroundLoop, IDueWork, IDelivery<TChannel>
    where TChannel : class, IDeliveryChannel<TRow>
    where TRow : DeliveryRow
{
    // What is under way when the process stops has so long to end.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(1);

    // After faults of our own.
    private static readonly TimeSpan FirstRepeat = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestRepeat = TimeSpan.FromMinutes(5);

    private readonly TChannel _channel;
    private readonly Database _database;
    private readonly StartupState _state;
    private readonly ILogger _logger;
    private readonly DeliveryStatements _statements = new(TChannel.Table);
    private readonly ConcurrentDictionary<string, Task> _busy = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _parallel;

    // Whether there may be more for a key that becomes free: some may have been passed over, or left.
    private volatile bool _again;

    public DeliveryLoop(TChannel channel, Database database, StartupState state, TimeProvider time, ILogger<TChannel> logger)
        : base(time, logger)
    {
        (_channel, _database, _state, _logger) = (channel, database, state, logger);
        _parallel = new SemaphoreSlim(channel.Pace.Parallel);
        Queue = new DeliveryQueue(TChannel.Name, TChannel.Table, database, Wake);
    }

    /// <summary>The channel as operators see it.</summary>
    public DeliveryQueue Queue { get; }

    /// <inheritdoc />
    public string DueCondition => _statements.DueCondition;

    /// <inheritdoc />
    protected override string LoopName => TChannel.Name;

    /// <inheritdoc />
    protected override TimeSpan IdleDelay => TimeSpan.FromMinutes(1);

    /// <inheritdoc />
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await Task.WhenAll(_busy.Values).WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <inheritdoc />
    protected override async Task<bool> StepAsync(CancellationToken cancellationToken)
    {
        await _state.WaitAsync(cancellationToken);

        // Before the look: whoever ends after it sees that it may have been passed over.
        _again = true;
        var pace = _channel.Pace;
        var busy = _busy.Keys.ToArray();
        if (busy.Length >= pace.Keys || busy.Length > pace.Parallel + ((pace.Keys - pace.Parallel) / 2))
        {
            return false; // One claim of many beats many of one.
        }

        // A lease is of the database's clock: what is held against it is measured, not told.
        var room = pace.Keys - busy.Length;
        var leased = Stopwatch.GetTimestamp();
        var rows = await _statements.LeaseAsync<TRow>(_database, pace, busy, room, cancellationToken);
        var groups = rows.GroupBy(static row => row.Key, StringComparer.Ordinal).Select(static group => group.OrderBy(static row => row.Place).ToList()).ToList();
        _again = busy.Length > 0 || rows.Count >= room || groups.Exists(group => group.Count >= pace.OfKey);
        foreach (var group in groups)
        {
            Start(group, leased, cancellationToken);
        }

        return false;
    }

    private void Start(List<TRow> rows, long leased, CancellationToken cancellationToken)
    {
        var begin = new TaskCompletionSource();
        _busy[rows[0].Key] = RunAsync(begin.Task, rows, leased, cancellationToken);
        begin.SetResult();
    }

    // Begins when it is in the list of what is under way, from which it takes itself.
    private async Task RunAsync(Task begin, List<TRow> rows, long leased, CancellationToken stopping)
    {
        await begin.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        DeliveryMetrics.InFlight.WithLabels(TChannel.Name).Inc(rows.Count);
        await _parallel.WaitAsync(CancellationToken.None);
        try
        {
            await DeliverAsync(rows, leased, stopping);
        }
        catch (Exception exception)
        {
            // Nothing is lost: the rows are delivered again when their lease ends.
            LogUnsettled(_logger, exception, TChannel.Name, rows[0].Key, rows.Count);
        }
        finally
        {
            _parallel.Release();
            DeliveryMetrics.InFlight.WithLabels(TChannel.Name).Dec(rows.Count);
            _busy.TryRemove(rows[0].Key, out _);
            if (_again)
            {
                Wake();
            }
        }
    }

    private async Task DeliverAsync(List<TRow> rows, long leased, CancellationToken stopping)
    {
        var (done, failed, returned) = (new List<TRow>(rows.Count), new List<(TRow, DeliveryAnswer)>(), new List<ReturnedRow>());
        var hold = TimeSpan.Zero;
        var next = 0;
        for (; next < rows.Count && MayBegin(leased, stopping); next++)
        {
            var row = rows[next];
            var answer = await AttemptAsync(row, stopping);
            if (answer is null)
            {
                break; // Broken off by the end of the process, not by its receiver.
            }

            if (answer.Error is null)
            {
                DeliveryMetrics.Attempts.WithLabels(TChannel.Name, DeliveryMetrics.Delivered).Inc();
                done.Add(row);
                continue;
            }

            var pause = PauseAfter(row, answer);
            DeliveryMetrics.Attempts.WithLabels(TChannel.Name, pause is null ? DeliveryMetrics.Parked : DeliveryMetrics.Failed).Inc();
            LogFailed(_logger, TChannel.Name, row.Id, row.Key, answer.Status is { } status ? $"HTTP {status}" : answer.Error, row.Attempts);
            if (!answer.IsFault)
            {
                failed.Add((row, answer));
            }

            returned.Add(new ReturnedRow(row, IsTried: true, pause ?? TimeSpan.Zero, IsParked: pause is null, answer.Error));
            if (TChannel.Table.IsOrdered && !answer.IsRefused)
            {
                hold = pause ?? TimeSpan.Zero;
                next++;
                break;
            }
        }

        // What was not tried waits with the one that failed; where none did, somebody takes it now.
        _again |= next < rows.Count && hold == TimeSpan.Zero;
        returned.AddRange(rows.Skip(next).Select(row => new ReturnedRow(row, IsTried: false, hold)));
        await SettleAsync(new DeliveryGroup<TRow>(rows[0].Key, done, failed), returned);
    }

    private TimeSpan? PauseAfter(TRow row, DeliveryAnswer answer)
    {
        var pause = answer.IsRefused ? null : _channel.PauseAfter(row, answer);
        return pause is { } asked && answer.IsFault && BackOff.After(row.Attempts, FirstRepeat, LongestRepeat) is var own && own > asked ? own : pause;
    }

    private bool MayBegin(long leased, CancellationToken stopping) => !stopping.IsCancellationRequested && Stopwatch.GetElapsedTime(leased) < _channel.Pace.Budget;

    private async Task<DeliveryAnswer?> AttemptAsync(TRow row, CancellationToken stopping)
    {
        using var end = new CancellationTokenSource(_channel.Pace.Timeout);
        await using var grace = stopping.Register(static source => ((CancellationTokenSource)source!).CancelAfter(Grace), end);
        using var timer = DeliveryMetrics.Seconds.WithLabels(TChannel.Name).NewTimer();
        try
        {
            return await _channel.DeliverAsync(row, end.Token);
        }
        catch (Exception) when (end.IsCancellationRequested)
        {
            return stopping.IsCancellationRequested ? null : new DeliveryAnswer($"There was no answer within {_channel.Pace.Timeout.TotalSeconds:0.#} s.");
        }
        catch (Exception exception)
        {
            LogFault(_logger, exception, TChannel.Name, row.Id);
            return new DeliveryAnswer(exception.Message) { IsFault = true };
        }
    }

    // Not under the token of the process's end: what was done is written down.
    private async Task SettleAsync(DeliveryGroup<TRow> group, List<ReturnedRow> returned)
    {
        using var end = new CancellationTokenSource(_channel.Pace.Timeout);
        if (TChannel.Table.Targets is null && returned.Count == 0)
        {
            await _statements.DeleteAsync(_database, group.Delivered, end.Token);
            return;
        }

        await _database.InWorkAsync(
            async work =>
            {
                await _statements.SettleAsync(work, group.Delivered, returned);
                if (TChannel.Table.Targets is not null && group.Delivered.Count + group.Failed.Count > 0)
                {
                    await _channel.SettleAsync(work, group);
                }
            },
            end.Token);
    }

    [LoggerMessage(130, LogLevel.Warning, "{Channel}: delivery {Id} to {Key} failed: {Reason} (attempt {Attempt})")]
    private static partial void LogFailed(ILogger logger, string channel, string id, string key, string reason, int attempt);

    [LoggerMessage(132, LogLevel.Error, "{Channel}: delivery {Id} could not be attempted")]
    private static partial void LogFault(ILogger logger, Exception exception, string channel, string id);

    [LoggerMessage(131, LogLevel.Warning, "{Channel}: what came of {Count} deliveries to {Key} could not be written down; they are made again when their lease ends")]
    private static partial void LogUnsettled(ILogger logger, Exception exception, string channel, string key, int count);
}
