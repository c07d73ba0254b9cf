using AiPlatform.DataFiles.Engine;
using AiPlatform.DataFiles.Expectations;
using AiPlatform.DataFiles.Preview;
using AiPlatform.DataFiles.Staging;
using AiPlatform.DataFiles.Tables;

namespace AiPlatform.DataFiles.Profiles;

/// <summary>Profiles the files of one table together.</summary>
internal sealed class TableProfiler : IDisposable
{
    private const int SampleRows = 5000;
    private const int SampleCells = 4_000_000;
    private const int MaxFilesNamed = 20;
    private const int MaxIssues = 50;
    private const int Seed = 20_250_101;
    private const int MaxNumbers = 4_000_000;
    private const int Workers = 2;

    private readonly List<string> _files = [];
    private readonly List<DataIssue> _issues = [];
    private readonly List<StagedTable> _staged = [];
    private readonly IReadOnlyList<Expectation> _expectations;
    private readonly DateOrder? _dateOrder;
    private readonly int _maxNumbers;
    private EngineTable? _table;
    private long _issueCount;

    /// <param name="name">What people call the table.</param>
    /// <param name="expectations">What is expected of it.</param>
    /// <param name="maxNumbers">Different numbers of a column that are held in memory at most.</param>
    /// <param name="dateOrder">How 01/02/2024 is read; null where nobody told.</param>
    public TableProfiler(string name, IReadOnlyList<Expectation> expectations, DateOrder? dateOrder = null, int maxNumbers = MaxNumbers)
        => (Name, _expectations, _dateOrder, _maxNumbers) = (name, expectations, dateOrder, maxNumbers);

    /// <summary>What people call the table.</summary>
    public string Name { get; }

    /// <summary>Columns so far known.</summary>
    public int Columns => _table?.Columns.Count ?? 0;

    /// <summary>Rows so far.</summary>
    public long Rows => _table?.Rows ?? 0;

    /// <summary>Adds a file with the same columns; it is held until the end.</summary>
    public void Add(string path, StagedTable staged, EngineTable table)
    {
        _staged.Add(staged);
        _table = _table?.With(table) ?? table;
        if (_files.Count < MaxFilesNamed)
        {
            _files.Add(path);
        }

        foreach (var issue in staged.Content.Issues.First)
        {
            Add(issue with { File = path });
        }

        _issueCount += staged.Content.Issues.Count - staged.Content.Issues.First.Count;
    }

    /// <summary>The profile, what it is compared by later, and what became of the expectations.</summary>
    /// <param name="progress">Told of each column that is done.</param>
    public async Task<(TableProfile Profile, TableSketch Sketch, IReadOnlyList<ExpectationResult> Expectations)> BuildAsync(
        DataEngine engine, Func<Task> progress, CancellationToken cancellationToken)
    {
        var table = _table ?? throw new InvalidOperationException("The table has no files.");
        using var session = await engine.OpenAsync(cancellationToken).ConfigureAwait(false);
        var drawn = RowDraw.Rows(table.Rows, Math.Min(SampleRows, SampleCells / table.Columns.Count), new Random(Seed));
        var facts = await ProfileAsync(session, table, drawn, progress, cancellationToken).ConfigureAwait(false);
        foreach (var issue in facts.Select(static found => found.Issue).OfType<DataIssue>())
        {
            Add(issue with { File = _staged.Count == 1 ? _files[0] : null });
        }

        var readable = table.Columns.Where(column => facts[column.Index].Issue is null).ToList();
        // A column whose values are all different leaves no row to repeat another.
        var duplicates = readable.Exists(column => facts[column.Index].Profile.IsUnique)
            ? 0
            : await DuplicateRows.CountAsync(session, table, readable, cancellationToken).ConfigureAwait(false);
        var checks = new TableChecks([.. table.Columns.Select(static column => column.Column)], _expectations, _dateOrder);
        var judged = checks.Columns;
        await EngineChunks.ReadAsync(
            session, table, [.. table.Columns.Where(column => judged.Contains(column.Index)).Select(column => column with { IsBroken = facts[column.Index].Issue is not null })],
            checks.Add, checks.EndChunk, cancellationToken).ConfigureAwait(false);
        var columns = Array.ConvertAll(facts, static found => found.Profile);
        var profile = new TableProfile(
            Name, _files, _staged.Count, table.Rows, duplicates, true, columns, Correlations.Of(columns, Array.ConvertAll(facts, static found => found.Sample), drawn.Count), _issues, _issueCount)
        {
            Dialect = _staged[0].Content.Dialect,
        };
        var sketch = new TableSketch(Name, table.Rows, Array.ConvertAll(facts, static found => found.Sketch()));
        return (profile, sketch, checks.Build(profile));
    }

    /// <inheritdoc />
    public void Dispose() => _staged.ForEach(static staged => staged.Dispose());

    // Two batches at a time: while one is fetched the other is counted.
    private async Task<ColumnFacts[]> ProfileAsync(
        EngineSession session, EngineTable table, IReadOnlyList<long> drawn, Func<Task> progress, CancellationToken cancellationToken)
    {
        var facts = new ColumnFacts[table.Columns.Count];
        var columns = new ColumnBatches(table, drawn, _dateOrder, _maxNumbers);
        var batches = columns.All();
        using var told = new SemaphoreSlim(1);
        var next = -1;
        async Task TakeAsync(EngineColumn column, ColumnFacts found, CancellationToken token)
        {
            facts[column.Index] = found;
            await told.WaitAsync(token).ConfigureAwait(false);
            try
            {
                await progress().ConfigureAwait(false);
            }
            finally
            {
                told.Release();
            }
        }

        async Task WorkAsync(CancellationToken token)
        {
            using var own = session.Fork();
            while (Interlocked.Increment(ref next) is var batch && batch < batches.Count)
            {
                await columns.ProfileAsync(own, batches[batch], (column, found) => TakeAsync(column, found, token), token).ConfigureAwait(false);
            }
        }

        await Parallel.ForAsync(
            0, Math.Min(Workers, batches.Count), new ParallelOptions { MaxDegreeOfParallelism = Workers, CancellationToken = cancellationToken },
            async (_, token) => await WorkAsync(token).ConfigureAwait(false)).ConfigureAwait(false);
        return facts;
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
