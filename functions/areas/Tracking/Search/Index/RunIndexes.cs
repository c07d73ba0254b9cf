using System.Collections.Concurrent;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Tick;
using AiPlatform.Tracking.Metrics;
using Microsoft.Extensions.Options;

namespace AiPlatform.Tracking.Search.Index;

/// <summary>
/// Keeps the runs of experiments that are searched again and again in memory, within a bound. The first searches of an
/// experiment go to the database; so do those of experiments that are too large.
/// </summary>
internal sealed partial class RunIndexes(
    Database database, MetricSummaries summaries, IOptions<MLflowOptions> options, IHostApplicationLifetime lifetime, TimeProvider time, ILogger<RunIndexes> logger) : ITickTask, IDisposable
{
    private const int SearchesBeforeLoad = 3;
    private const int MaxExperiments = 256;

    // Each is a look into the database of its own.
    private const int MaxExperimentsOfSearch = 8;
    private static readonly TimeSpan MaxIdle = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<(string Project, string Experiment), Entry> _entries = new();
    private readonly SemaphoreSlim _oneLoad = new(1);

    /// <summary>All runs of these experiments, deleted ones too, with everything that was acknowledged before the call; null when the database has to be asked.</summary>
    public async ValueTask<RunTable?> FindAsync(string projectId, IReadOnlyList<string> experimentIds, CancellationToken cancellationToken)
    {
        if (options.Value.IndexedEntries <= 0 || experimentIds.Count is 0 or > MaxExperimentsOfSearch)
        {
            return null;
        }

        var tables = new List<RunTable>(experimentIds.Count);
        foreach (var id in experimentIds)
        {
            if (await FindAsync((projectId, id), cancellationToken) is { } found)
            {
                tables.Add(found);
            }
        }

        return tables.Count < experimentIds.Count ? null : tables is [var one] ? one : new RunTable([.. tables.SelectMany(table => table.Runs)]);
    }

    /// <summary>Forgets what nobody searches any more.</summary>
    public Task RunAsync(CancellationToken cancellationToken)
    {
        foreach (var (key, entry) in _entries)
        {
            if (time.GetElapsedTime(entry.UsedAt) > MaxIdle)
            {
                _entries.TryRemove(key, out _);
            }
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _oneLoad.Dispose();
        foreach (var entry in _entries.Values)
        {
            entry.Index.Dispose();
        }
    }

    private async ValueTask<RunTable?> FindAsync((string Project, string Experiment) key, CancellationToken cancellationToken)
    {
        if (!_entries.TryGetValue(key, out var entry))
        {
            entry = _entries.GetOrAdd(key, new Entry(new ExperimentIndex(key.Project, key.Experiment, database, summaries, time, options.Value.IndexedEntries / 2)));
        }

        entry.UsedAt = time.GetTimestamp();
        if (await entry.Index.CurrentAsync(cancellationToken) is { } table)
        {
            return table;
        }

        var isOften = Interlocked.Increment(ref entry.Searches) >= SearchesBeforeLoad;
        if (entry.Index.IsTooLarge && time.GetElapsedTime(entry.LoadedAt) < Patience)
        {
            return null;
        }

        // A search in the database would first fold all that is fresh: reading the runs into memory takes less.
        var isMuchFresh = await entry.Index.IsMuchFreshAsync(cancellationToken);
        if (isOften || isMuchFresh)
        {
            var load = entry.LoadOnce(LoadAsync);
            if (isMuchFresh)
            {
                await load.WaitAsync(cancellationToken);
                return await entry.Index.CurrentAsync(cancellationToken);
            }
        }

        Trim();
        return null;
    }

    private async Task LoadAsync(Entry entry)
    {
        try
        {
            await _oneLoad.WaitAsync(lifetime.ApplicationStopping);
            try
            {
                await entry.Index.LoadAsync(lifetime.ApplicationStopping);
            }
            finally
            {
                _oneLoad.Release();
            }
        }
        catch (OperationCanceledException) when (lifetime.ApplicationStopping.IsCancellationRequested)
        {
            // Nobody will ask for it.
        }
        catch (Exception exception)
        {
            // The database answers searches meanwhile, and a later search tries again.
            LogFailure(exception);
        }
        finally
        {
            entry.LoadedAt = time.GetTimestamp();
            Trim();
        }
    }

    // Not disposed: whoever holds an index that is forgotten here goes on with it, and there is nothing that memory management does not give back.
    private void Trim()
    {
        while (_entries.Count > 1 && (_entries.Count > MaxExperiments || _entries.Values.Sum(entry => (long)entry.Index.Weight) > options.Value.IndexedEntries))
        {
            _entries.TryRemove(_entries.MinBy(pair => pair.Value.UsedAt).Key, out _);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The runs of an experiment could not be read into memory.")]
    private partial void LogFailure(Exception exception);

    private sealed class Entry(ExperimentIndex index)
    {
        public int Searches;
        private readonly Lock _lock = new();
        private Task _load = Task.CompletedTask;

        public ExperimentIndex Index { get; } = index;

        public long UsedAt { get; set; }

        public long LoadedAt { get; set; }

        /// <summary>The load that runs, or a new one.</summary>
        public Task LoadOnce(Func<Entry, Task> load)
        {
            lock (_lock)
            {
                return _load.IsCompleted ? _load = Task.Run(() => load(this)) : _load;
            }
        }
    }
}
