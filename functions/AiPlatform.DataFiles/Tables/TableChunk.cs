namespace AiPlatform.DataFiles.Tables;

/// <summary>Rows that follow each other, read column by column. It is valid until the next chunk is read.</summary>
public abstract class TableChunk
{
    /// <summary>The number of the first row in its file, from 0.</summary>
    public required long FirstRow { get; init; }

    /// <summary>Rows.</summary>
    public required int Count { get; init; }

    /// <summary>The values of one column.</summary>
    public abstract ValueTask<ColumnVector> ReadAsync(int column, CancellationToken cancellationToken);
}
