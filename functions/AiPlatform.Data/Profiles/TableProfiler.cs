using AiPlatform.Data.Expectations;
using AiPlatform.Data.Parquet;
using AiPlatform.Data.Statistics;
using AiPlatform.Data.Tables;

namespace AiPlatform.Data.Profiles;

/// <summary>Profiles the files of one table, one after the other, in one pass over each.</summary>
internal sealed class TableProfiler
{
    private const int SampleRows = 5000;
    private const int MaxFilesNamed = 20;
    private const int MaxIssues = 50;

    private readonly IReadOnlyList<TableColumn> _columns;
    private readonly ColumnAccumulator[] _accumulators;
    private readonly RowSample _rows = new(SampleRows);
    private readonly DuplicateCounter _duplicates = new();
    private readonly List<(int Row, int Place)> _drawn = [];
    private readonly List<string> _files = [];
    private readonly List<DataIssue> _issues = [];
    private readonly TableChecks _checks;
    private ulong[] _hashes = [];
    private int _fileCount;
    private long _issueCount;

    /// <param name="name">What people call the table.</param>
    /// <param name="columns">Its columns.</param>
    /// <param name="expectations">What is expected of it.</param>
    public TableProfiler(string name, IReadOnlyList<TableColumn> columns, IReadOnlyList<Expectation> expectations, DateOrder? dateOrder = null)
    {
        Name = name;
        _columns = columns;
        _accumulators = [.. columns.Select(column => new ColumnAccumulator(column, _rows, SampleRows, dateOrder))];
        _checks = new TableChecks(columns, expectations, dateOrder);
    }

    /// <summary>What people call the table.</summary>
    public string Name { get; }

    /// <summary>Rows so far.</summary>
    public long Rows { get; private set; }

    /// <summary>The columns.</summary>
    public IReadOnlyList<TableColumn> Columns => _columns;

    /// <summary>Adds a file with the same columns.</summary>
    /// <exception cref="DataFormatException">The rest of it cannot be read; what was read counts.</exception>
    /// <param name="progress">Told of each chunk: rows of it.</param>
    public async Task AddAsync(string path, TableReader reader, Func<int, Task> progress, CancellationToken cancellationToken)
    {
        _fileCount++;
        if (_files.Count < MaxFilesNamed)
        {
            _files.Add(path);
        }

        try
        {
            while (await reader.NextAsync(cancellationToken).ConfigureAwait(false) is { } chunk)
            {
                await AddAsync(chunk, cancellationToken).ConfigureAwait(false);
                await progress(chunk.Count).ConfigureAwait(false);
            }
        }
        finally
        {
            // What was wrong before a file could not be read on is said too.
            foreach (var issue in reader.Issues.First)
            {
                Add(issue with { File = path });
            }

            _issueCount += reader.Issues.Count - reader.Issues.First.Count;
        }
    }

    /// <summary>Adds the first rows of a file, a window at a time where the file is Parquet.</summary>
    public async Task AddAsync(string path, TableReader reader, int rows, Func<bool> isOver, CancellationToken cancellationToken)
    {
        _fileCount++;
        _files.Add(path);
        if (reader is ParquetTable parquet)
        {
            for (var group = 0; group < parquet.RowGroups.Count && Rows < rows && !isOver(); group++)
            {
                await AddAsync(await parquet.OpenAsync(group, (int)Math.Min(rows - Rows, parquet.RowGroups[group]), cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
            }
        }
        else
        {
            while (Rows < rows && !isOver() && await reader.NextAsync(cancellationToken).ConfigureAwait(false) is { } chunk)
            {
                await AddAsync(chunk, cancellationToken).ConfigureAwait(false);
            }
        }

        foreach (var issue in reader.Issues.First)
        {
            Add(issue with { File = path });
        }
    }

    /// <summary>The profile, what it is compared by later, and what became of the expectations.</summary>
    public (TableProfile Profile, TableSketch Sketch, IReadOnlyList<ExpectationResult> Expectations) Build()
    {
        var columns = Array.ConvertAll(_accumulators, static accumulator => accumulator.Build());
        var profile = new TableProfile(
            Name, _files, _fileCount, Rows, _duplicates.Count, _duplicates.IsExact, columns, Correlations.Of(columns, _accumulators, _rows.Count), _issues, _issueCount);
        var sketch = new TableSketch(Name, Rows, Array.ConvertAll(_accumulators, static accumulator => accumulator.Sketch()));
        return (profile, sketch, _checks.Build(profile));
    }

    private async ValueTask AddAsync(TableChunk chunk, CancellationToken cancellationToken)
    {
        if (_hashes.Length < chunk.Count)
        {
            _hashes = new ulong[chunk.Count];
        }

        _hashes.AsSpan(0, chunk.Count).Clear();
        _rows.Draw(chunk.Count, _drawn);
        for (var column = 0; column < _accumulators.Length; column++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var values = await chunk.ReadAsync(column, cancellationToken).ConfigureAwait(false);
            _accumulators[column].Add(values, Rows, _hashes, _drawn);
            _checks.Add(column, values);
        }

        for (var row = 0; row < chunk.Count; row++)
        {
            _duplicates.Add(_hashes[row]);
        }

        Rows += chunk.Count;
    }

    private void Add(DataIssue issue)
    {
        _issueCount++;
        if (_issues.Count < MaxIssues)
        {
            _issues.Add(issue);
        }
    }
}
