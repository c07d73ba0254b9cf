namespace AiPlatform.DataFiles.Tables;

/// <summary>Reads a table from its beginning to its end, in memory that does not grow with the file.</summary>
public abstract class TableReader : IDisposable
{
    /// <summary>The columns, in the order of the file.</summary>
    public abstract IReadOnlyList<TableColumn> Columns { get; }

    /// <summary>What was wrong so far and could be read over.</summary>
    public DataIssues Issues { get; } = new();

    /// <summary>Rows in all where the file says it before it is read; null elsewhere.</summary>
    public virtual long? RowCount => null;

    /// <summary>How the file is written, for formats of text; null elsewhere.</summary>
    public virtual TableDialect? Dialect => null;

    /// <summary>Bytes of the file that have been read.</summary>
    public abstract long BytesRead { get; }

    /// <summary>Whether the file, read to its end, stops inside of a record: the line where it does; null when it does not.</summary>
    public long? CutAtLine { get; protected set; }

    /// <summary>The next rows; null at the end.</summary>
    /// <exception cref="DataFormatException">What follows cannot be read at all.</exception>
    public abstract ValueTask<TableChunk?> NextAsync(CancellationToken cancellationToken);

    /// <inheritdoc />
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees what the reader holds.</summary>
    protected virtual void Dispose(bool disposing)
    {
    }
}
