using AiPlatform.DataFiles.Engine;

namespace AiPlatform.DataFiles.Staging;

/// <summary>
/// Content on disk that queries read, named by what it is: the same content is fetched once, however many ask. What nobody uses goes
/// when there is no room, the longest unused first.
/// </summary>
internal sealed class StagingCache(string folder, DataEngineOptions options, TimeProvider time) : IDisposable
{
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stop = new();
    private long _bytes;
    private long _uses;

    /// <summary>Where the content lies.</summary>
    public string Folder => folder;

    /// <summary>Bytes on disk, those that are being written among them.</summary>
    public long Bytes
    {
        get
        {
            lock (_gate)
            {
                return _bytes;
            }
        }
    }

    /// <summary>The staged content under a key; it stays while the result is not disposed.</summary>
    /// <param name="key">Names content and form; null for content without a name, which goes when it is released.</param>
    /// <param name="fill">Writes the file; it tells of each piece before it writes it. It goes on when the caller does not wait any more.</param>
    /// <exception cref="DataFormatException">There is no room, or it took too long.</exception>
    public async Task<StagedTable> GetAsync(string? key, Func<StagingFile, CancellationToken, Task<StagedContent>> fill, CancellationToken cancellationToken)
    {
        Entry entry;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_stop.IsCancellationRequested, this);
            if (key is null || !_entries.TryGetValue(key, out entry!) || entry.Content is { IsFaulted: true } or { IsCanceled: true })
            {
                entry = new Entry(key, Path.Combine(folder, $"{Guid.NewGuid():N}.parquet"));
                entry.Content = Task.Run(() => FillAsync(entry, fill), CancellationToken.None);
                if (key is not null)
                {
                    _entries[key] = entry;
                }
            }

            entry.Leases++;
            entry.LastUse = ++_uses;
        }

        try
        {
            var content = await entry.Content.WaitAsync(cancellationToken).ConfigureAwait(false);
            return new StagedTable(entry.Path, content, () => Release(entry));
        }
        catch
        {
            Release(entry);
            throw;
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        Task[] filling;
        lock (_gate)
        {
            filling = [.. _entries.Values.Select(static entry => entry.Content)];
        }

        _stop.Cancel();
        Task.WhenAll(filling).ContinueWith(static done => done.Exception, TaskScheduler.Default).Wait();
        _stop.Dispose();
    }

    private async Task<StagedContent> FillAsync(Entry entry, Func<StagingFile, CancellationToken, Task<StagedContent>> fill)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        using var timer = time.CreateTimer(static source => ((CancellationTokenSource)source!).Cancel(), limit, options.StageTime, Timeout.InfiniteTimeSpan);
        try
        {
            var content = await fill(new StagingFile(entry.Path, bytes => Reserve(entry, bytes)), limit.Token).ConfigureAwait(false);
            lock (_gate)
            {
                entry.IsFilled = true;
                RemoveUnused(entry);
            }

            return content;
        }
        catch (Exception exception)
        {
            lock (_gate)
            {
                Remove(entry);
            }

            if (exception is OperationCanceledException && !_stop.IsCancellationRequested)
            {
                throw new DataFormatException(DataErrors.QueryTime, "Fetching the file took too long.", null, exception);
            }

            throw;
        }
    }

    private void Reserve(Entry entry, long bytes)
    {
        lock (_gate)
        {
            foreach (var old in _entries.Values.Where(static other => other is { IsFilled: true, Leases: 0 }).OrderBy(static other => other.LastUse).ToList())
            {
                if (_bytes + bytes <= options.CacheBytes)
                {
                    break;
                }

                Remove(old);
            }

            if (_bytes + bytes > options.CacheBytes)
            {
                throw new DataFormatException(DataErrors.QueryDisk, "The files need more disk than the cache may have.");
            }

            entry.Bytes += bytes;
            _bytes += bytes;
        }
    }

    private void Release(Entry entry)
    {
        lock (_gate)
        {
            entry.Leases--;
            RemoveUnused(entry);
        }
    }

    // Content that nobody can ask for again.
    private void RemoveUnused(Entry entry)
    {
        if (entry is { IsFilled: true, Leases: 0 } && (entry.Key is null || !_entries.TryGetValue(entry.Key, out var current) || current != entry))
        {
            Remove(entry);
        }
    }

    private void Remove(Entry entry)
    {
        if (entry.Key is { } key && _entries.TryGetValue(key, out var current) && current == entry)
        {
            _entries.Remove(key);
        }

        _bytes -= entry.Bytes;
        entry.Bytes = 0;
        File.Delete(entry.Path);
    }

    private sealed class Entry(string? key, string path)
    {
        public string? Key { get; } = key;

        public string Path { get; } = path;

        public Task<StagedContent> Content { get; set; } = null!;

        public bool IsFilled { get; set; }

        public int Leases { get; set; }

        public long LastUse { get; set; }

        public long Bytes { get; set; }
    }
}
