namespace AiPlatform.DataFiles.Tables;

/// <summary>A chunk whose columns are all in memory.</summary>
internal sealed class VectorChunk(ColumnVector[] columns) : TableChunk
{
    public override ValueTask<ColumnVector> ReadAsync(int column, CancellationToken cancellationToken) => ValueTask.FromResult(columns[column]);
}
