using System.Diagnostics;
using AiPlatform.Bench.Platform;
using AiPlatform.Hosting;

namespace AiPlatform.Bench.Measurements;

/// <summary>A second functions process on the same database: from its start to its first answer. Target: under 1 s.</summary>
internal static class ColdStart
{
    private const int Repeats = 5;

    public static async Task<object> MeasureAsync(PlatformProcess platform, CancellationToken cancellationToken)
    {
        var times = new List<double>(Repeats);
        for (var i = 0; i < Repeats; i++)
        {
            times.Add(await OnceAsync(platform, cancellationToken));
        }

        return new { milliseconds = Percentiles.Of(times), targetMilliseconds = 1000 };
    }

    // Alone: the host of the original would not know it.
    private static IEnumerable<string> WithoutHost(string[] commandLine)
        => commandLine.Skip(1).TakeWhile(static argument => !argument.StartsWith("--functions-", StringComparison.Ordinal));

    private static async Task<double> OnceAsync(PlatformProcess platform, CancellationToken cancellationToken)
    {
        var original = platform.ProcessId("functions");
        var commandLine = (await File.ReadAllTextAsync($"/proc/{original}/cmdline", cancellationToken)).Split('\0', StringSplitOptions.RemoveEmptyEntries);
        var port = TcpPorts.Free();
        var start = new ProcessStartInfo(commandLine[0], [.. WithoutHost(commandLine)])
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
            WorkingDirectory = new FileInfo($"/proc/{original}/cwd").LinkTarget ?? "/",
        };
        start.Environment.Clear();
        foreach (var (name, value) in ProcFileSystem.Environment(original))
        {
            start.Environment[name] = value;
        }

        start.Environment["Http__DirectPort"] = $"{port}";
        var clock = Stopwatch.StartNew();
        using var process = Process.Start(start) ?? throw new InvalidOperationException("The functions app did not start.");
        _ = process.StandardOutput.BaseStream.CopyToAsync(Stream.Null, CancellationToken.None);
        try
        {
            using var http = new HttpClient();
            while (true)
            {
                try
                {
                    using var response = await http.GetAsync(new Uri($"http://127.0.0.1:{port}/"), cancellationToken);
                    return clock.Elapsed.TotalMilliseconds;
                }
                catch (HttpRequestException) when (!process.HasExited)
                {
                    await Task.Delay(5, cancellationToken);
                }
            }
        }
        finally
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(CancellationToken.None);
        }
    }
}
