namespace AiPlatform.DataFiles.Tables;

/// <summary>How a file of separated values is written, as far as its beginning tells.</summary>
/// <param name="Delimiter">Between fields.</param>
/// <param name="Quote">Around fields.</param>
/// <param name="HasHeader">Whether the first record names the columns.</param>
internal sealed record CsvDialect(char Delimiter, char Quote, bool HasHeader)
{
    private const int MaxNameChars = 256;
    private static readonly char[] Candidates = [',', ';', '\t', '|'];

    /// <summary>How sure the delimiter is.</summary>
    public required double DelimiterConfidence { get; init; }

    /// <summary>How sure the header is.</summary>
    public required double HeaderConfidence { get; init; }

    /// <summary>Lines before the first record that are none.</summary>
    public required int SkippedLines { get; init; }

    /// <summary>Characters of these lines.</summary>
    public required int SkippedChars { get; init; }

    /// <summary>Columns of dates with the year last, by index.</summary>
    public required IReadOnlyList<(int Column, DateOrderTally Tally)> Dates { get; init; }

    /// <summary>Finds the dialect out from the beginning of a file.</summary>
    /// <param name="sample">Its first characters.</param>
    /// <param name="delimiter">The delimiter where the format says it.</param>
    /// <param name="options">What is told and not found out.</param>
    public static CsvDialect Detect(ReadOnlySpan<char> sample, char? delimiter, ReadOptions options)
    {
        var (announced, skippedLines, skippedChars) = Beginning(sample, options.SkippedLines);
        var records = sample[skippedChars..];
        var known = options.Delimiter ?? announced ?? delimiter;
        var quote = options.Quote ?? FindQuote(records, known is { } one ? [one] : Candidates);
        var (found, delimiterConfidence) = known is { } told ? (told, 1) : FindDelimiter(records, quote);
        var cut = CsvSample.Records(records, found, quote);
        var (isHeader, headerConfidence) = options.HasHeader is { } header ? (header, 1) : HeaderRule.Decide(cut);
        return new CsvDialect(found, quote, isHeader)
        {
            DelimiterConfidence = delimiterConfidence,
            HeaderConfidence = headerConfidence,
            SkippedLines = skippedLines,
            SkippedChars = skippedChars,
            Dates = FindDates(cut, isHeader),
        };
    }

    /// <summary>The names of the columns: what the header says, made unique and not empty.</summary>
    public static string[] Names(IReadOnlyList<string> header)
    {
        // Nothing that keeps names can keep U+0000.
        header = [.. header.Select(static text => text.Replace('\0', '\uFFFD'))];

        // A name that is made up must not take one that stands in the file further on.
        var written = header.Select(static text => text.Trim()).Where(static text => text.Length > 0).ToHashSet(StringComparer.Ordinal);
        var names = new HashSet<string>(StringComparer.Ordinal);
        return [.. header.Select((text, index) => text.Trim() is { Length: > 0 } name
            ? Unique(name[..Math.Min(name.Length, MaxNameChars)], names, written)
            : Unique($"column{index + 1}", names, written, isMade: true))];
    }

    /// <summary>The dialect as readers elsewhere need it.</summary>
    public TableDialect ToTable(TextEncoding encoding, IReadOnlyList<string> columns, ReadOptions options) => new(
        encoding.Name, encoding.Confidence, Delimiter.ToString(), DelimiterConfidence, Quote.ToString(), HasHeader, HeaderConfidence, SkippedLines, columns,
        [.. Dates.Where(date => date.Column < columns.Count).Select(date => options.DateOrder is { } told
            ? new DateColumn(columns[date.Column], told, 1, told == DateOrder.DayFirst ? date.Tally.OnlyMonthFirst : date.Tally.OnlyDayFirst)
            : new DateColumn(columns[date.Column], date.Tally.Order, date.Tally.Confidence, date.Tally.Contradictions))]);

    private static string Unique(string name, HashSet<string> names, HashSet<string> written, bool isMade = false)
    {
        var unique = name;
        for (var i = 2; (isMade || i > 2) && written.Contains(unique) || !names.Add(unique); i++)
        {
            unique = $"{name}_{i}";
        }

        return unique;
    }

    // Lines that are to be skipped, or one that spreadsheets read: sep=;
    private static (char? Delimiter, int Lines, int Chars) Beginning(ReadOnlySpan<char> sample, int? skippedLines)
    {
        var (lines, chars) = (0, 0);
        while (lines < (skippedLines ?? 0) && chars < sample.Length)
        {
            chars += LineLength(sample[chars..]);
            lines++;
        }

        var length = LineLength(sample[chars..]);
        var line = sample.Slice(chars, length).TrimEnd("\r\n").Trim('"');
        return line.Length == 5 && line.StartsWith("sep=", StringComparison.OrdinalIgnoreCase) && ReadOptions.IsMark(line[4])
            ? (line[4], lines + 1, chars + length)
            : (null, lines, chars);
    }

    private static int LineLength(ReadOnlySpan<char> text)
    {
        var end = text.IndexOfAny('\n', '\r');
        return end < 0 ? text.Length : end + (text[end] == '\r' && end + 1 < text.Length && text[end + 1] == '\n' ? 2 : 1);
    }

    // Apostrophes are quotes where fields begin and end with them and no field does with the usual ones.
    private static char FindQuote(ReadOnlySpan<char> sample, ReadOnlySpan<char> delimiters)
    {
        if (sample.Contains('"'))
        {
            return '"';
        }

        var (opened, closed) = (0, 0);
        for (var i = 0; i < sample.Length; i++)
        {
            if (sample[i] == '\'')
            {
                opened += i == 0 || IsBorder(sample[i - 1], delimiters) ? 1 : 0;
                closed += i == sample.Length - 1 || IsBorder(sample[i + 1], delimiters) ? 1 : 0;
            }
        }

        return opened >= 2 && opened == closed && sample.Count('\'') - opened - closed == 2 * sample.Count("''") ? '\'' : '"';
    }

    private static bool IsBorder(char c, ReadOnlySpan<char> delimiters) => c is '\n' or '\r' || delimiters.Contains(c);

    private static (char Delimiter, double Confidence) FindDelimiter(ReadOnlySpan<char> sample, char quote)
    {
        var (best, bestScore, bestShare) = (',', -1d, 0d);
        foreach (var candidate in Candidates)
        {
            var counts = CsvSample.Records(sample, candidate, quote).ConvertAll(static record => record.Count);
            if (counts.Count == 0 || counts[0] < 2)
            {
                continue;
            }

            // The right delimiter cuts nearly every record into the same number of fields; more fields win ties.
            var share = counts.Count(count => count == counts[0]) / (double)counts.Count;
            var score = share + (Math.Min(counts[0], 50) * 0.0001);
            if (score > bestScore)
            {
                (best, bestScore, bestShare) = (candidate, score, share);
            }
        }

        // A file of one column has no delimiter: any will do, unless none was seen that others write.
        return (best, bestScore < 0 ? 0.5 : Math.Round(bestShare, 2));
    }

    private static List<(int Column, DateOrderTally Tally)> FindDates(List<List<string>> records, bool isHeader)
    {
        var dates = new List<(int, DateOrderTally)>();
        for (var column = 0; records.Count > 0 && column < records[0].Count; column++)
        {
            var (tally, values) = (new DateOrderTally(), 0);
            foreach (var record in records.Skip(isHeader ? 1 : 0))
            {
                if (record.Count > column && !MissingText.Is(record[column]))
                {
                    values++;
                    tally.Add(record[column].AsSpan().Trim());
                }
            }

            if (tally.Count > 0 && tally.Count * 2 > values)
            {
                dates.Add((column, tally));
            }
        }

        return dates;
    }
}
