using AiPlatform.DataFiles.Tables;

namespace AiPlatform.DataFiles.Engine;

/// <summary>Values of some columns in the order of the rows, a chunk at a time, for what only our own code can judge.</summary>
internal static class EngineChunks
{
    private const int ChunkRows = 8192;

    /// <summary>Reads columns.</summary>
    /// <param name="take">Takes the place of a column and the next values of it.</param>
    /// <param name="endChunk">Called when every column has told the values of the same rows.</param>
    public static async Task ReadAsync(
        EngineSession session, EngineTable table, IReadOnlyList<EngineColumn> columns, Action<int, ColumnVector> take, Action endChunk, CancellationToken cancellationToken)
    {
        if (columns.Count == 0)
        {
            return;
        }

        var capacity = TableLimits.ChunkRows(columns.Count, ChunkRows);
        var chunk = columns.Select(column => new ChunkColumn(column, capacity)).ToArray();
        var rows = 0;
        void Flush()
        {
            for (var i = 0; i < chunk.Length; i++)
            {
                take(columns[i].Index, chunk[i].Build(rows));
            }

            endChunk();
            rows = 0;
        }

        await session.ReadAsync(
            $"SELECT {string.Join(", ", columns.Select(ChunkColumn.Sql))} FROM {table.From}", [],
            row =>
            {
                for (var i = 0; i < chunk.Length; i++)
                {
                    chunk[i].Set(rows, row, i);
                }

                if (++rows == capacity)
                {
                    Flush();
                }

                return true;
            },
            cancellationToken).ConfigureAwait(false);
        if (rows > 0)
        {
            Flush();
        }
    }
}
