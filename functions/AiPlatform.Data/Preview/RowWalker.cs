using AiPlatform.Data.Statistics;
using AiPlatform.Data.Tables;

namespace AiPlatform.Data.Preview;

/// <summary>Goes through the rows of a table with the hashes of their key and of their other values.</summary>
internal sealed class RowWalker(TableReader reader, IReadOnlyList<string> key, IReadOnlyList<string> rest)
{
    private readonly int[] _columns = [.. key.Concat(rest).Select(name => reader.Columns.Select(static column => column.Name).ToList().IndexOf(name))];
    private ColumnVector[] _vectors = [];

    /// <summary>Calls <paramref name="row"/> for each row: this walker, the row, the key's hash, the hash of the rest.</summary>
    public async Task WalkAsync(Action<RowWalker, int, ulong, ulong> row, CancellationToken cancellationToken, Func<bool>? goesOn = null)
    {
        while ((goesOn?.Invoke() ?? true) && await reader.NextAsync(cancellationToken).ConfigureAwait(false) is { } chunk)
        {
            _vectors = new ColumnVector[_columns.Length];
            for (var i = 0; i < _columns.Length; i++)
            {
                _vectors[i] = await chunk.ReadAsync(_columns[i], cancellationToken).ConfigureAwait(false);
            }

            for (var i = 0; i < chunk.Count; i++)
            {
                row(this, i, Hash(i, 0, key.Count), Hash(i, key.Count, _columns.Length));
            }
        }
    }

    /// <summary>All values of a row: the key's, then the others.</summary>
    public object?[] Values(int row) => Array.ConvertAll(_vectors, vector => TablePreview.Shown(vector.Value(row)));

    /// <summary>A row that came or went.</summary>
    public RowChange Whole(int row, bool isNow)
    {
        var values = Values(row);
        return new RowChange(values[..key.Count], [.. rest.Select((name, index) => new CellChange(name, isNow ? null : values[key.Count + index], isNow ? values[key.Count + index] : null))]);
    }

    /// <summary>The values that differ from those of the later version.</summary>
    public RowChange Change(int row, object?[] now)
    {
        var values = Values(row);
        return new RowChange(
            values[..key.Count],
            [.. rest.Select((name, index) => new CellChange(name, values[key.Count + index], now[key.Count + index])).Where(static change => !Equals(change.Before?.ToString(), change.Now?.ToString()))]);
    }

    private ulong Hash(int row, int from, int to)
    {
        var hash = 0UL;
        for (var i = from; i < to; i++)
        {
            hash = Hash64.Combine(hash, Cell.Hash(_vectors[i], row));
        }

        return hash;
    }
}
