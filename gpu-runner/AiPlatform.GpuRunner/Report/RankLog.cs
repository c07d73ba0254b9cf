using System.Globalization;
using System.Text;

namespace AiPlatform.GpuRunner.Report;

/// <summary>
/// The output of one rank in a file of bounded size. What comes later is read and dropped, so that the rank never blocks on a full
/// pipe and the disk never fills. The last error lines are kept apart: they are the reason when the rank fails.
/// </summary>
internal sealed class RankLog : IAsyncDisposable
{
    private const int TailBytes = 8 * 1024;
    private const int MaxReasonLength = 2_000;
    private const int ReasonLines = 12;

    private readonly FileStream _file;
    private readonly long _limit;
    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly TailBuffer _errors = new(TailBytes);
    private readonly TailBuffer _output = new(TailBytes);
    private long _length;
    private bool _truncated;

    /// <param name="path">The file; an existing one is continued.</param>
    /// <param name="limit">Bytes of output that are kept.</param>
    public RankLog(string path, long limit)
    {
        Path = path;
        _limit = limit;
        _file = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.Read, bufferSize: 0);
        _length = _file.Length;
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Copies a stream to the log until it ends.</summary>
    public async Task CaptureAsync(Stream stream, bool isError)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            int count;
            while ((count = await stream.ReadAsync(buffer).ConfigureAwait(false)) > 0)
            {
                await WriteAsync(buffer.AsMemory(0, count), isError).ConfigureAwait(false);
            }
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException or OperationCanceledException)
        {
            // The pipe was closed under a descendant that kept it open.
        }
    }


    /// <summary>The last lines of the error output, or of the normal output when there are none: why the rank failed.</summary>
    public string LastLines()
    {
        lock (_errors)
        {
            var text = _errors.Text();
            text = string.IsNullOrWhiteSpace(text) ? _output.Text() : text;
            var lines = text.Split('\n').Select(static line => line.TrimEnd()).Where(static line => line.Length > 0).TakeLast(ReasonLines);
            var joined = string.Join('\n', lines);
            return joined.Length > MaxReasonLength ? joined[^MaxReasonLength..] : joined;
        }
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _file.DisposeAsync().ConfigureAwait(false);
        _gate.Dispose();
    }

    private async Task WriteAsync(ReadOnlyMemory<byte> bytes, bool isError)
    {
        lock (_errors)
        {
            (isError ? _errors : _output).Add(bytes.Span);
        }

        await _gate.WaitAsync().ConfigureAwait(false);
        try
        {
            var room = (int)Math.Clamp(_limit - _length, 0, bytes.Length);
            if (room > 0)
            {
                await _file.WriteAsync(bytes[..room]).ConfigureAwait(false);
                _length += room;
            }

            if (room < bytes.Length && !_truncated)
            {
                _truncated = true;
                var line = string.Create(CultureInfo.InvariantCulture, $"\n[aiplatform] log truncated: the limit of {_limit} bytes is reached\n");
                await _file.WriteAsync(Encoding.UTF8.GetBytes(line)).ConfigureAwait(false);
            }
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>The last bytes of a stream.</summary>
    private sealed class TailBuffer(int size)
    {
        private readonly byte[] _bytes = new byte[size];
        private long _total;

        public void Add(ReadOnlySpan<byte> bytes)
        {
            if (bytes.Length > size)
            {
                _total += bytes.Length - size;
                bytes = bytes[^size..];
            }

            var start = (int)(_total % size);
            var first = Math.Min(bytes.Length, size - start);
            bytes[..first].CopyTo(_bytes.AsSpan(start));
            bytes[first..].CopyTo(_bytes);
            _total += bytes.Length;
        }

        public string Text()
        {
            if (_total <= size)
            {
                return Encoding.UTF8.GetString(_bytes, 0, (int)_total);
            }

            var start = (int)(_total % size);
            return Encoding.UTF8.GetString([.. _bytes.AsSpan(start), .. _bytes.AsSpan(0, start)]);
        }
    }
}
