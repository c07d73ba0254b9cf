using System.Text;

namespace AiPlatform.Local.Processes;

/// <summary>
/// A child's output in a file that stays bounded: when the file is full it becomes <c>name.1</c> (replacing the earlier
/// one) and a new file begins. Keeps the last lines in memory, for the message when a child does not start. What a full disk does not take
/// is dropped, and the file says so when there is room again: a child whose output nobody reads would stand still.
/// </summary>
/// <param name="path">The file.</param>
/// <param name="maxBytes">Its largest size.</param>
/// <param name="written">Gets each line too; null when nobody wants them.</param>
internal sealed class BoundedLog(string path, long maxBytes = 8 * 1024 * 1024, Action<string>? written = null) : IDisposable
{
    private const int RememberedLines = 20;

    private readonly Lock _lock = new();
    private readonly Queue<string> _last = new();
    private StreamWriter? _writer;
    private long _length;
    private long _dropped;
    private bool _closed;

    /// <summary>The file that is being written.</summary>
    public string Path { get; } = path;

    /// <summary>The last lines, oldest first.</summary>
    public string Tail
    {
        get
        {
            lock (_lock)
            {
                return string.Join('\n', _last);
            }
        }
    }

    /// <summary>Appends one line.</summary>
    public void Write(string line)
    {
        written?.Invoke(line);
        lock (_lock)
        {
            if (_closed)
            {
                return;
            }

            _last.Enqueue(line);
            if (_last.Count > RememberedLines)
            {
                _last.Dequeue();
            }

            try
            {
                Append(line);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                _dropped++;
                Close();
            }
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            Close();
            _closed = true;
        }
    }

    private void Append(string line)
    {
        if (_writer is null || _length > maxBytes)
        {
            Open();
        }

        if (_dropped > 0)
        {
            _writer!.WriteLine($"[{_dropped} lines could not be written]");
            _dropped = 0;
        }

        _writer!.WriteLine(line);
        _length += Encoding.UTF8.GetByteCount(line) + 1;
    }

    // What it still holds may not fit either, and has been counted.
    private void Close()
    {
        try
        {
            _writer?.Dispose();
        }
        catch (IOException)
        {
            // See above.
        }

        _writer = null;
    }

    private void Open()
    {
        Close();
        if (File.Exists(Path) && new FileInfo(Path).Length > maxBytes)
        {
            File.Move(Path, Path + ".1", overwrite: true);
        }

        _writer = new StreamWriter(Path, append: true) { AutoFlush = true };
        _length = _writer.BaseStream.Length;
    }
}
