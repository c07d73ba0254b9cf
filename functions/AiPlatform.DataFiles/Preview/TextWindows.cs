using System.Text.Json;
using AiPlatform.DataFiles.Sources;
using AiPlatform.DataFiles.Tables;

namespace AiPlatform.DataFiles.Preview;

/// <summary>Random rows of a large text file: from a few random offsets, the records behind the next line's beginning.</summary>
internal static class TextWindows
{
    private const int MaxWindows = 16;
    private const int WindowBytes = 64 * 1024;

    public static async Task<TableRows> ReadAsync(IByteSource source, TableReader reader, ReadOptions options, int count, Random random, CancellationToken cancellationToken)
    {
        var encoding = await CharSource.DetectAsync(source, options, cancellationToken).ConfigureAwait(false);
        var windows = Math.Min(MaxWindows, count);
        var offsets = Enumerable.Range(0, windows)
            .Select(_ => encoding.PreambleBytes + (random.NextInt64(source.Length - WindowBytes - encoding.PreambleBytes) / encoding.UnitBytes * encoding.UnitBytes)).Order().ToArray();
        var texts = new string[windows];
        await Parallel.ForAsync(
            0, windows, new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = cancellationToken },
            async (window, token) =>
            {
                var bytes = new byte[WindowBytes];
                var read = await source.ReadAsync(offsets[window], bytes, token).ConfigureAwait(false);
                texts[window] = encoding.Encoding.GetString(bytes, 0, read);
            }).ConfigureAwait(false);
        var rows = new List<PreviewRow>(count);
        for (var window = 0; window < windows; window++)
        {
            var found = Records(texts[window], reader);
            var wanted = (count - rows.Count) / (windows - window);
            var drawn = Enumerable.Range(0, found.Count).ToArray();
            random.Shuffle(drawn);
            rows.AddRange(drawn.Take(wanted).Order().Select(index => new PreviewRow(null, found[index])));
        }

        return new TableRows(reader.Columns, rows, null, rows.Count, true, reader.Issues.First) { Dialect = reader.Dialect };
    }

    private static List<IReadOnlyList<object?>> Records(string window, TableReader reader)
    {
        // The first line is the rest of a record, the last may be cut off.
        var start = window.IndexOf('\n', StringComparison.Ordinal) + 1;
        var end = window.LastIndexOf('\n') + 1;
        return start == 0 || end <= start ? [] : reader switch
        {
            CsvReader csv => Csv(window[start..end], csv),
            JsonLinesReader json => Json(window[start..end], json.Columns),
            _ => [.. window[start..end].Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(static line => (IReadOnlyList<object?>)[TablePreview.Shown(line)])],
        };
    }

    // A window may begin inside of a quoted field: only records with the right number of fields are taken for records.
    private static List<IReadOnlyList<object?>> Csv(string text, CsvReader reader)
    {
        var parser = new CsvParser(reader.Csv.Delimiter, reader.Csv.Quote, new DataIssues(0));
        var (buffer, position, rows) = (text.ToCharArray(), 0, new List<IReadOnlyList<object?>>());
        while (position < buffer.Length && parser.TryRead(buffer, buffer.Length, ref position, isEnd: false))
        {
            if (parser.Fields != reader.Columns.Count)
            {
                continue;
            }

            var values = new object?[parser.Fields];
            for (var i = 0; i < values.Length; i++)
            {
                values[i] = parser.Lengths[i] < 0 ? null : TablePreview.Shown(new string(buffer, parser.Starts[i], parser.Lengths[i]));
            }

            rows.Add(values);
        }

        return rows;
    }

    private static List<IReadOnlyList<object?>> Json(string text, IReadOnlyList<TableColumn> columns)
    {
        var rows = new List<IReadOnlyList<object?>>();
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            try
            {
                using var document = JsonDocument.Parse(line);
                if (document.RootElement.ValueKind == JsonValueKind.Object)
                {
                    rows.Add([.. columns.Select(column => document.RootElement.TryGetProperty(column.Name, out var value) ? TablePreview.Shown(Value(value)) : null)]);
                }
            }
            catch (JsonException)
            {
                // A preview shows what can be shown; the quality report counts broken lines.
            }
        }

        return rows;
    }

    private static object? Value(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null or JsonValueKind.Undefined => null,
        JsonValueKind.String => value.GetString(),
        JsonValueKind.True or JsonValueKind.False => value.GetBoolean(),
        JsonValueKind.Number => value.TryGetInt64(out var integer) ? integer : JsonColumn.IsExact(value) ? value.GetDouble() : value.GetRawText(),
        _ => value.GetRawText(),
    };
}
