using System.Collections.Concurrent;

namespace AiPlatform.Tracking.Search.Index;

/// <summary>Runs in memory as they were at one moment, with the columns that searches have asked for: where nothing changes a column is made once.</summary>
internal sealed class RunTable(RunDocument[] runs)
{
    private const int MaxColumns = 64;

    private readonly ConcurrentDictionary<(EntityKind Kind, string Key), double?[]> _numbers = new();
    private readonly ConcurrentDictionary<(EntityKind Kind, string Key), string?[]> _texts = new();

    /// <summary>All runs, in no order.</summary>
    public RunDocument[] Runs => runs;

    /// <summary>The values of a metric or of an attribute that is a number, run by run.</summary>
    public double?[] Numbers(EntityKind kind, string key)
        => Column(_numbers, (kind, key), kind == EntityKind.Metric ? run => RunValues.Metric(run, key) : run => RunValues.Number(run, key));

    /// <summary>The values of a param, a tag or of another attribute, run by run.</summary>
    public string?[] Texts(EntityKind kind, string key)
        => Column(_texts, (kind, key), kind == EntityKind.Attribute ? run => RunValues.Text(run, key) : run => RunValues.Entry(run, kind, key));

    private T[] Column<T>(ConcurrentDictionary<(EntityKind Kind, string Key), T[]> columns, (EntityKind Kind, string Key) name, Converter<RunDocument, T> value)
    {
        if (!columns.TryGetValue(name, out var column))
        {
            column = Array.ConvertAll(runs, value);
            if (columns.Count < MaxColumns)
            {
                columns[name] = column;
            }
        }

        return column;
    }
}
