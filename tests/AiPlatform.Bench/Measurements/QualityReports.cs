using System.Diagnostics;
using System.Globalization;
using System.Text;
using AiPlatform.Bench.Platform;
using AiPlatform.Contracts.Datasets;
using AiPlatform.Contracts.Projects;
using AiPlatform.Contracts.Quality;
using Parquet;
using Parquet.Schema;

namespace AiPlatform.Bench.Measurements;

/// <summary>
/// A quality report over 1,000,000 rows × 20 columns from submission to its end, with the peak memory of the process that makes it, and
/// previews of a Parquet and a CSV file of one gigabyte each.
/// </summary>
internal static class QualityReports
{
    private const int Rows = 1_000_000;
    private const int GroupRows = 100_000;
    private const int Columns = 20;
    private const long LargeBytes = 1_000_000_000;
    private const int Previews = 20;

    public static async Task<object> MeasureAsync(PlatformProcess platform, CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("aip-bench-quality-").FullName;
        try
        {
            var project = (await platform.Api.CreateProjectAsync(new CreateProjectRequest($"quality-{Guid.NewGuid():N}"), cancellationToken)).Id;
            return new { report = await ReportAsync(platform, project, folder, cancellationToken), previews = await PreviewsAsync(platform, project, folder, cancellationToken) };
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<object> ReportAsync(PlatformProcess platform, string project, string folder, CancellationToken cancellationToken)
    {
        var data = Directory.CreateDirectory(Path.Combine(folder, "rows"));
        var file = Path.Combine(data.FullName, "rows.parquet");
        await WriteAsync(file, Rows, mixed: true, cancellationToken);
        var version = await UploadAsync(platform, project, "rows", data.FullName, cancellationToken);
        var worker = platform.ProcessId("orchestrations");
        var before = Memory(worker);
        var clock = Stopwatch.StartNew();
        var report = (await platform.Api.CreateQualityReportAsync(project, "rows", version, new CreateQualityReportRequest(), cancellationToken)).Report;
        while (report.Status is QualityReportStatus.Pending or QualityReportStatus.Running)
        {
            await Task.Delay(100, cancellationToken);
            report = await platform.Api.GetQualityReportAsync(report.Id, cancellationToken);
        }

        return new
        {
            rows = Rows,
            columns = Columns,
            fileMiB = new FileInfo(file).Length >> 20,
            status = report.Status.ToString(),
            score = report.Score,
            seconds = Math.Round(clock.Elapsed.TotalSeconds, 1),
            workerIdleMiB = before.Resident >> 20,
            workerPeakMiB = Memory(worker).Peak >> 20,
        };
    }

    private static async Task<object> PreviewsAsync(PlatformProcess platform, string project, string folder, CancellationToken cancellationToken)
    {
        var results = new Dictionary<string, object>(StringComparer.Ordinal);
        foreach (var format in (string[])["parquet", "csv"])
        {
            var data = Directory.CreateDirectory(Path.Combine(folder, format));
            var file = Path.Combine(data.FullName, $"large.{format}");
            if (format == "csv")
            {
                await WriteCsvAsync(file, cancellationToken);
            }
            else
            {
                await WriteAsync(file, (int)(LargeBytes / (Columns * sizeof(double)) / GroupRows * GroupRows), mixed: false, cancellationToken);
            }

            var version = await UploadAsync(platform, project, $"large-{format}", data.FullName, cancellationToken);
            foreach (var mode in Enum.GetValues<PreviewMode>())
            {
                var times = new List<double>();
                for (var i = 0; i < Previews + 1; i++)
                {
                    var clock = Stopwatch.StartNew();
                    await platform.Api.PreviewDatasetAsync(project, $"large-{format}", version, null, mode, null, 50, cancellationToken);
                    times.Add(clock.Elapsed.TotalMilliseconds);
                }

                // The first call compiles the code: it is named for itself.
                results[$"{format}{mode}"] = new { megabytes = new FileInfo(file).Length / 1_000_000, firstMilliseconds = Math.Round(times[0], 1), milliseconds = Percentiles.Of(times.Skip(1)) };
            }

            File.Delete(file);
        }

        return results;
    }

    private static async Task<int> UploadAsync(PlatformProcess platform, string project, string dataset, string folder, CancellationToken cancellationToken)
    {
        await platform.Api.CreateDatasetAsync(project, new CreateDatasetRequest(dataset), cancellationToken);
        return (await platform.Api.UploadDatasetVersionAsync(project, dataset, folder, null, cancellationToken)).Version;
    }

    /// <summary>20 columns: numbers only, or numbers, integers, categories, texts, times and flags as tables have them.</summary>
    private static async Task WriteAsync(string path, int rows, bool mixed, CancellationToken cancellationToken)
    {
        var random = new Random(42);
        var fields = Enumerable.Range(0, Columns).Select(i => new DataField($"c{i}", Type(i, mixed), mixed)).ToArray();
        await using var file = File.Create(path);
        await using var writer = await ParquetWriter.CreateAsync(new ParquetSchema(fields), file, new ParquetOptions(), false, cancellationToken);
        for (var first = 0; first < rows; first += GroupRows)
        {
            using var group = writer.CreateRowGroup();
            for (var i = 0; i < Columns; i++)
            {
                await WriteAsync(group, fields[i], i, first, mixed, random, cancellationToken);
            }

            group.CompleteValidate();
        }
    }

    private static Type Type(int column, bool mixed) => !mixed ? typeof(double) : (column % 5) switch
    {
        0 or 1 => typeof(double),
        2 => typeof(long),
        3 => typeof(string),
        _ => column == 4 ? typeof(DateTime) : typeof(string),
    };

    private static async Task WriteAsync(ParquetRowGroupWriter group, DataField field, int column, int first, bool mixed, Random random, CancellationToken cancellationToken)
    {
        if (!mixed)
        {
            await group.WriteAsync<double>(field, Enumerable.Range(0, GroupRows).Select(_ => random.NextDouble()).ToArray(), cancellationToken: cancellationToken);
            return;
        }

        var type = Type(column, mixed);
        if (type == typeof(double))
        {
            await group.WriteAsync<double>(field, Enumerable.Range(0, GroupRows).Select(i => i % 50 == 0 ? (double?)null : random.NextDouble() * column).ToArray(), cancellationToken: cancellationToken);
        }
        else if (type == typeof(long))
        {
            await group.WriteAsync<long>(field, Enumerable.Range(0, GroupRows).Select(i => column == 2 ? first + i : (long?)random.Next(column * 100)).ToArray(), cancellationToken: cancellationToken);
        }
        else if (type == typeof(DateTime))
        {
            await group.WriteAsync<DateTime>(field, Enumerable.Range(0, GroupRows).Select(i => (DateTime?)DateTime.UnixEpoch.AddSeconds(first + i)).ToArray(), cancellationToken: cancellationToken);
        }
        else
        {
            await group.WriteAsync(field, Enumerable.Range(0, GroupRows).Select(i => column % 5 == 3 ? $"category {random.Next(20)}" : $"the text of row {first + i} with {random.Next()} in it").ToArray());
        }
    }

    private static async Task WriteCsvAsync(string path, CancellationToken cancellationToken)
    {
        var random = new Random(42);
        await using var file = new StreamWriter(path, append: false, new UTF8Encoding(false), 1 << 20);
        await file.WriteLineAsync(string.Join(',', Enumerable.Range(0, Columns).Select(static i => $"c{i}")));
        var line = new StringBuilder();
        for (var (row, written) = (0, 0L); written < LargeBytes; row++)
        {
            line.Clear().Append(row);
            for (var i = 1; i < Columns; i++)
            {
                line.Append(CultureInfo.InvariantCulture, $",{random.Next()}");
            }

            written += line.Append('\n').Length;
            await file.WriteAsync(line, cancellationToken);
        }
    }

    private static (long Resident, long Peak) Memory(int process)
    {
        var lines = File.ReadAllLines($"/proc/{process}/status");
        long Field(string name) => lines.Where(line => line.StartsWith(name, StringComparison.Ordinal))
            .Select(static line => long.Parse(line.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024).First();
        return (Field("VmRSS:"), Field("VmHWM:"));
    }
}
