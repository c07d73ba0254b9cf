namespace AiPlatform.DataFiles.Tables;

/// <summary>A forgiving split of the beginning of a file: it decides about the dialect, errors are found by the reader.</summary>
internal static class CsvSample
{
    private const int MaxRecords = 200;

    /// <summary>The first records; the last one is left out where it may be cut off.</summary>
    public static List<List<string>> Records(ReadOnlySpan<char> sample, char delimiter, char quote)
    {
        var records = new List<List<string>>();
        var record = new List<string>();
        var (start, quoted) = (0, false);
        for (var i = 0; i < sample.Length && records.Count < MaxRecords; i++)
        {
            var c = sample[i];
            if (c == quote)
            {
                quoted = !quoted;
            }
            else if (!quoted && (c == delimiter || c is '\n' or '\r'))
            {
                record.Add(sample[start..i].Trim(quote).ToString());
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

        if (start < sample.Length && records.Count == 0)
        {
            record.Add(sample[start..].Trim(quote).ToString());
            records.Add(record);
        }

        return records;
    }
}
