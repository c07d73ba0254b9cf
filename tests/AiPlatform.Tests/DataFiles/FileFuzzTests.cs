using AiPlatform.Fuzz.Files;
using AiPlatform.Fuzz.Fuzzing;

namespace AiPlatform.Tests.DataFiles;

/// <summary>A short run of the fuzzer of file readers, the same every time, and the files that once broke something; in a process of their own, as native code may crash.</summary>
public sealed class FileFuzzTests
{
    private const int FilesOfKind = 6;

    [Fact]
    [Trait("Speed", "Slow")]
    public async Task Every_reader_reads_the_files_that_the_fuzzer_begins_from()
    {
        await using var worker = new FileWorkerProcess();
        foreach (var (kind, seeds) in await FileSeeds.LoadAsync(Path.Combine(AppContext.BaseDirectory, "Seeds", "valid")))
        {
            Assert.NotEmpty(seeds);
            foreach (var seed in seeds)
            {
                var (state, _, text) = await worker.ReadAsync(kind, seed);
                Assert.True(state is FileState.Read or FileState.Refused, $"{kind}: {state} {text}");
            }
        }
    }

    [Fact]
    [Trait("Speed", "Slow")]
    public async Task What_is_wrong_with_a_file_is_said_and_nothing_else_happens()
    {
        var report = new FuzzReport();
        await new FileFuzzer(report).RunAsync(FileKinds.All, 20, FuzzBudget.Of(FilesOfKind * FileKinds.All.Count), null);
        Assert.True(report.Findings.Count == 0, report.Explain());
        Assert.Equal(FilesOfKind * FileKinds.All.Count, report.Tried);
        Assert.InRange(report.Outcome("files/parquet refused"), 1, FilesOfKind);
    }

    [Fact]
    public async Task Files_that_once_broke_a_reader_are_read_or_refused()
    {
        var report = new FuzzReport();
        await using var worker = new FileWorkerProcess();
        var found = Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "Seeds", "found"), "*", SearchOption.AllDirectories).ToList();
        Assert.NotEmpty(found);
        foreach (var path in found)
        {
            await new FileFuzzer(report).TryAsync(worker, Path.GetExtension(path).TrimStart('.'), await File.ReadAllBytesAsync(path));
        }

        Assert.True(report.Findings.Count == 0, report.Explain());
    }
}
