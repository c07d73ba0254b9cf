using AiPlatform.Client;
using AiPlatform.Contracts.Datasets;
using AiPlatform.DataFiles;
using AiPlatform.DataFiles.Engine;
using AiPlatform.DataFiles.Expectations;
using AiPlatform.DataFiles.Images;
using AiPlatform.DataFiles.Preview;
using AiPlatform.DataFiles.Profiles;
using AiPlatform.DataFiles.Quality;
using AiPlatform.DataFiles.Sources;
using AiPlatform.DataFiles.Tables;
using AiPlatform.Orchestrations.Data;
using AiPlatform.Orchestrations.Data.Sources;

namespace AiPlatform.Fuzz.Files;

/// <summary>Reads a file in every way that the platform does. What is wrong with a file is an error of its own kind; everything else is a fault.</summary>
internal sealed class FileReaders : IDisposable
{
    private static readonly ImportLimits Limits = new(1000, 64 << 20, 100);

    private readonly DataEngine _engine = new(new DataEngineOptions { Folder = Path.Combine(Path.GetTempPath(), "aip-fuzz-data"), Threads = 1 }, TimeProvider.System);
    private readonly MemoryHttp _storage = new();

    /// <summary>Reads a file in one way after the other, and says how each ended and how long it took.</summary>
    public async Task ExplainAsync(string kind, byte[] content, TextWriter output, CancellationToken cancellationToken)
    {
        foreach (var (read, number) in Ways(kind, content, cancellationToken).Select(static (read, number) => (read, number)))
        {
            var clock = System.Diagnostics.Stopwatch.StartNew();
            string end;
            try
            {
                await read();
                end = "read";
            }
            catch (Exception exception)
            {
                end = exception.ToString();
            }

            await output.WriteLineAsync($"{number} {clock.Elapsed.TotalSeconds:0.00} s {end}");
        }
    }

    /// <summary>Reads a file.</summary>
    /// <returns>The codes of what was wrong with it; empty when all was read.</returns>
    public async Task<IReadOnlyList<string>> ReadAsync(string kind, byte[] content, CancellationToken cancellationToken)
    {
        var problems = new List<string>();
        foreach (var read in Ways(kind, content, cancellationToken))
        {
            try
            {
                await read();
            }
            catch (DataFormatException exception) when (DataErrors.All.Contains(exception.Code))
            {
                problems.Add(exception.Code);
            }
            catch (ImportException exception)
            {
                problems.Add(exception.Code);
            }
        }

        return problems;
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _engine.Dispose();
        _storage.Dispose();
    }

    private IEnumerable<Func<Task>> Ways(string kind, byte[] content, CancellationToken cancellationToken)
    {
        var source = new MemorySource(content);
        if (FileKinds.Table(kind) is { } format)
        {
            return
            [
                () => TablePreview.FirstAsync(source, format, 100, cancellationToken),
                () => TablePreview.RandomAsync(_engine, source, format, 20, 1, cancellationToken),
                () => TablePreview.RandomAsync(_engine, source, format, 20, 1, cancellationToken, stagedBytes: 0),
                () => FilterAsync(source, format, cancellationToken),
                () => TableStatistics.ComputeAsync(_engine, "t", source, format, cancellationToken),
                () => TableStatistics.OfFirstAsync(_engine, "t", source, format, 50, cancellationToken),
                () => DiffAsync(source, format, cancellationToken),
                () => QualityProfiler.ProfileTablesAsync(_engine, One($"t.{kind}", source), QualityPlan.Empty, static _ => Task.CompletedTask, cancellationToken),
            ];
        }

        return kind is "zip" or "tar" or "tgz"
            ? [() => ExpandAsync(content, cancellationToken)]
            :
            [
                () => Task.FromResult(ImageInspector.Inspect(content, isWhole: true)),
                () => Task.FromResult(ImageInspector.Inspect(content, isWhole: false)),
            ];
    }

    private async Task FilterAsync(MemorySource source, FileFormat format, CancellationToken cancellationToken)
    {
        var first = await TablePreview.FirstAsync(source, format, 1, cancellationToken);
        var name = first.Columns.Count > 0 ? first.Columns[0].Name.Replace("`", string.Empty, StringComparison.Ordinal) : "a";
        foreach (var filter in (string[])[$"`{name}` is not null", $"`{name}` > 1 or `{name}` = 'a'"])
        {
            try
            {
                await TablePreview.FilteredAsync(_engine, source, format, filter, 10, TimeSpan.FromSeconds(5), cancellationToken);
            }
            catch (FilterException)
            {
                // The condition does not fit the column: the file says what that is.
            }
        }
    }

    private async Task DiffAsync(MemorySource source, FileFormat format, CancellationToken cancellationToken)
    {
        var first = await TablePreview.FirstAsync(source, format, 1, cancellationToken);
        try
        {
            await RowDiffer.CompareAsync(_engine, (source, format), (source, format), first.Columns.Count > 0 ? [first.Columns[0].Name] : ["a"], 5, cancellationToken);
        }
        catch (RowDiffException)
        {
            // The key is not there, or there are too many rows: the file says so.
        }
    }

    private async Task ExpandAsync(byte[] content, CancellationToken cancellationToken)
    {
        const string Address = "http://storage/archive?sas=1";
        const string Expanded = "http://storage/expanded?sas=1";
        _storage.Put("/archive", content);
        using var http = new HttpClient(_storage, disposeHandler: false);
        var work = new DatasetImportWork(null!, new CreateDatasetImportRequest(), Address, true, Address, Expanded, content.Length, null, Limits);
        await using var watch = new ImportWatch(new AiPlatformClient(http, new NoToken()), "import", cancellationToken);
        await using var archive = await ArchiveSource.OpenAsync(http, Address, content.Length, work, string.Empty, watch, cancellationToken);
        var buffer = new byte[64 * 1024];
        foreach (var file in archive.Files)
        {
            await using var stream = await file.OpenAsync(cancellationToken);
            var total = 0L;
            int count;
            while ((count = await stream.ReadAsync(buffer, cancellationToken)) > 0)
            {
                total += count;
            }

            if (total != file.Size)
            {
                throw new InvalidOperationException($"{total} of {file.Size} bytes were read without a word.");
            }
        }
    }

    private static async IAsyncEnumerable<QualityFile> One(string path, MemorySource source)
    {
        await Task.CompletedTask;
        yield return new QualityFile(path, source);
    }

    private sealed class NoToken : ITokenSource
    {
        public ValueTask<string?> GetTokenAsync(string? rejected, CancellationToken cancellationToken) => ValueTask.FromResult<string?>(null);
    }
}
