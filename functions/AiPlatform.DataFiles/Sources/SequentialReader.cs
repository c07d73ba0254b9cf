namespace AiPlatform.DataFiles.Sources;

/// <summary>Reads a source from one offset on, fetching the next block while the last one is used.</summary>
internal sealed class SequentialReader : IDisposable
{
    private readonly IByteSource _source;
    private readonly CancellationTokenSource _stop = new();
    private readonly long _end;
    private byte[] _current;
    private byte[] _next;
    private Task<int>? _pending;
    private long _fetchAt;
    private int _used;
    private int _available;

    public SequentialReader(IByteSource source, long offset, int blockBytes)
    {
        _source = source;
        _fetchAt = offset;
        _end = source.Length;
        Position = offset;
        var size = (int)Math.Clamp(_end - offset, 1, blockBytes);
        _current = new byte[size];
        _next = new byte[_end - offset > size ? size : 0];
    }

    /// <summary>The offset of the next byte that <see cref="ReadAsync"/> gives.</summary>
    public long Position { get; private set; }

    /// <summary>Copies what comes next; 0 at the end.</summary>
    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (_used == _available && !await FillAsync(cancellationToken).ConfigureAwait(false))
        {
            return 0;
        }

        var count = Math.Min(buffer.Length, _available - _used);
        _current.AsMemory(_used, count).CopyTo(buffer);
        _used += count;
        Position += count;
        return count;
    }

    public void Dispose()
    {
        _stop.Cancel();
        _stop.Dispose();
    }

    private async ValueTask<bool> FillAsync(CancellationToken cancellationToken)
    {
        if (_pending is { } pending)
        {
            _available = await pending.WaitAsync(cancellationToken).ConfigureAwait(false);
            (_current, _next) = (_next, _current);
            _pending = null;
        }
        else
        {
            _available = await FetchAsync(_current, cancellationToken).ConfigureAwait(false);
        }

        _used = 0;
        if (_available > 0 && _fetchAt < _end)
        {
            _pending = FetchAsync(_next, _stop.Token);
        }

        return _available > 0;
    }

    private async Task<int> FetchAsync(byte[] buffer, CancellationToken cancellationToken)
    {
        var count = (int)Math.Min(buffer.Length, _end - _fetchAt);
        if (count <= 0)
        {
            return 0;
        }

        var read = await _source.ReadAsync(_fetchAt, buffer.AsMemory(0, count), cancellationToken).ConfigureAwait(false);
        _fetchAt += read;
        return read;
    }
}
