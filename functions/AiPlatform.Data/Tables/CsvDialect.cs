using System.Globalization;

namespace AiPlatform.Data.Tables;

/// <summary>How a file of separated values is written.</summary>
/// <param name="Delimiter">Between fields.</param>
/// <param name="HasHeader">Whether the first record names the columns.</param>
internal sealed record CsvDialect(char Delimiter, bool HasHeader)
{
    private const int MaxRecords = 100;
    private static readonly char[] Candidates = [',', ';', '\t', '|'];

    /// <summary>Finds the dialect out from the beginning of a file.</summary>
    /// <param name="sample">Its first characters.</param>
    /// <param name="delimiter">The delimiter where it is known.</param>
    public static CsvDialect Detect(ReadOnlySpan<char> sample, char? delimiter)
    {
        var best = delimiter ?? ',';
        var bestScore = -1d;
        foreach (var candidate in delimiter is { } known ? [known] : Candidates)
        {
            var counts = Records(sample, candidate).ConvertAll(static record => record.Count);
            if (counts.Count == 0 || counts[0] < 2)
            {
                continue;
            }

            // The right delimiter cuts nearly every record into the same number of fields; more fields win ties.
            var score = (counts.Count(count => count == counts[0]) / (double)counts.Count) + (Math.Min(counts[0], 50) * 0.0001);
            if (score > bestScore)
            {
                (best, bestScore) = (candidate, score);
            }
        }

        return new CsvDialect(best, IsHeader(Records(sample, best)));
    }

    /// <summary>The names of the columns: what the header says, made unique and not empty.</summary>
    public static string[] Names(IReadOnlyList<string> header)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        return [.. header.Select((text, index) => Unique(text.Trim() is { Length: > 0 } name ? name[..Math.Min(name.Length, 256)] : $"column{index + 1}", names))];
    }

    private static string Unique(string name, HashSet<string> names)
    {
        var unique = name;
        for (var i = 2; !names.Add(unique); i++)
        {
            unique = $"{name}_{i}";
        }

        return unique;
    }

    // A header is texts that differ from each other, above columns that do not go on like it.
    private static bool IsHeader(List<List<string>> records)
    {
        if (records.Count == 0 || records[0].Exists(static name => string.IsNullOrWhiteSpace(name) || IsValue(name)) || records[0].Distinct(StringComparer.Ordinal).Count() != records[0].Count)
        {
            return false;
        }

        if (records.Count == 1)
        {
            return true;
        }

        for (var column = 0; column < records[0].Count; column++)
        {
            var values = records.Skip(1).Where(record => record.Count > column).Select(record => record[column]).ToList();
            if (values.Contains(records[0][column]))
            {
                return false;
            }
        }

        return true;
    }

    private static bool IsValue(string text)
        => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _)
            || (char.IsAsciiDigit(text[0]) && DateTime.TryParse(text, CultureInfo.InvariantCulture, out _));

    // A forgiving split of the sample: it decides about the dialect, errors are found by the reader.
    private static List<List<string>> Records(ReadOnlySpan<char> sample, char delimiter)
    {
        var records = new List<List<string>>();
        var record = new List<string>();
        var (start, quoted) = (0, false);
        for (var i = 0; i < sample.Length && records.Count < MaxRecords; i++)
        {
            var c = sample[i];
            if (c == '"')
            {
                quoted = !quoted;
            }
            else if (!quoted && (c == delimiter || c is '\n' or '\r'))
            {
                record.Add(sample[start..i].Trim('"').ToString());
                start = i + 1;
                if (c == delimiter)
                {
                    continue;
                }

                if (c == '\r' && i + 1 < sample.Length && sample[i + 1] == '\n')
                {
                    start = ++i + 1;
                }

                if (record is not [{ Length: 0 }])
                {
                    records.Add(record);
                }

                record = [];
            }
        }

        if (records.Count < MaxRecords && start < sample.Length && records.Count == 0)
        {
            record.Add(sample[start..].Trim('"').ToString());
            records.Add(record);
        }

        return records;
    }
}
