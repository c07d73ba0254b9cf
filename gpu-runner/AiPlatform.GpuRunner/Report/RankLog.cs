using System.Globalization;
using System.Text;

namespace AiPlatform.GpuRunner.Report;

/// <summary>
/// The output of one rank in a file of bounded size. What comes later is read and dropped, so that the rank never blocks on a full
/// pipe and the disk never fills; what a full disk does not take is dropped too. The last error lines are kept apart: they are the reason when the rank fails.
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
    private readonly TailBuffer? _end;
    private long _length;
    private long _lost;
    private bool _truncated;

    /// <param name="path">The file; an existing one is continued.</param>
    /// <param name="limit">Bytes of output that are kept in the file.</param>
    /// <param name="endBytes">Bytes from the end of both outputs that are also kept in memory, for <see cref="End"/>.</param>
    public RankLog(string path, long limit, int endBytes = 0)
    {
        _end = endBytes > 0 ? new TailBuffer(endBytes) : null;
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

    /// <summary>How many bytes have been written to both outputs.</summary>
    public long Written
    {
        get
        {
            lock (_errors)
            {
                return _end?.Total ?? 0;
            }
        }
    }

    /// <summary>The end of both outputs as UTF-8; when there was more, a first line says how much.</summary>
    /// <param name="limit">Bytes at most, that line included.</param>
    public byte[] End(int limit)
    {
        lock (_errors)
        {
            return _end?.Utf8(limit) ?? [];
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
            _end?.Add(bytes.Span);
        }

        await _gate.WaitAsync().ConfigureAwait(false);
        try
        {
            await AppendAsync(bytes).ConfigureAwait(false);
        }
        catch (IOException)
        {
            _lost += bytes.Length;
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task AppendAsync(ReadOnlyMemory<byte> bytes)
    {
        if (_lost > 0)
        {
            var line = string.Create(CultureInfo.InvariantCulture, $"\n[aiplatform] {_lost} bytes are lost: the disk was full\n");
            await _file.WriteAsync(Encoding.UTF8.GetBytes(line)).ConfigureAwait(false);
            _lost = 0;
        }

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
}
