using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace AiPlatform.Fuzz.Files;

/// <summary>A worker, started again whenever it is gone.</summary>
internal sealed class FileWorkerProcess : IAsyncDisposable
{
    // Of the processor: other processes may have it for long. The clock has the last word.
    private static readonly TimeSpan MaxProcessor = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan MaxTime = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(250);

    private Process? _process;
    private StringBuilder _errors = new();

    /// <summary>Reads a file.</summary>
    public async Task<(FileState State, int Megabytes, string Text)> ReadAsync(string kind, byte[] content)
    {
        var process = _process ??= Start();
        var (began, clock) = (process.TotalProcessorTime, Stopwatch.StartNew());
        using var stop = new CancellationTokenSource();
        var answer = AskAsync(process, kind, content, stop.Token);
        while (await Task.WhenAny(answer, Task.Delay(Look, CancellationToken.None)) != answer)
        {
            process.Refresh();
            if (!process.HasExited && (process.TotalProcessorTime - began > MaxProcessor || clock.Elapsed > MaxTime))
            {
                await EndAsync();
                await answer;
                return (FileState.Hung, 0, $"{clock.Elapsed.TotalSeconds:0} s");
            }
        }

        if (await answer is { } result)
        {
            return result;
        }

        await process.WaitForExitAsync(CancellationToken.None);
        var text = $"exit code {process.ExitCode}\n{_errors}";
        await EndAsync();
        return (FileState.Crashed, 0, text);
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync() => await EndAsync();

    private static async Task<(FileState State, int Megabytes, string Text)?> AskAsync(Process process, string kind, byte[] content, CancellationToken cancellationToken)
    {
        try
        {
            var input = process.StandardInput.BaseStream;
            FileWorker.Write(input, Encoding.UTF8.GetBytes(kind));
            FileWorker.Write(input, content);
            await input.FlushAsync(cancellationToken);
            var output = process.StandardOutput.BaseStream;
            var state = new byte[1];
            if (await output.ReadAtLeastAsync(state, 1, throwOnEndOfStream: false, cancellationToken) == 0)
            {
                return null;
            }

            var megabytes = int.Parse(Encoding.UTF8.GetString((await FileWorker.ReadAsync(output, cancellationToken))!), CultureInfo.InvariantCulture);
            return ((FileState)state[0], megabytes, Encoding.UTF8.GetString((await FileWorker.ReadAsync(output, cancellationToken))!));
        }
        catch (IOException)
        {
            // It is gone.
            return null;
        }
    }

    private Process Start()
    {
        _errors = new StringBuilder();
        var start = new ProcessStartInfo("dotnet", [typeof(FileWorkerProcess).Assembly.Location, FileWorker.Argument])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        var process = Process.Start(start) ?? throw new InvalidOperationException("The worker did not start.");
        process.ErrorDataReceived += (_, line) => _errors.AppendLine(line.Data);
        process.BeginErrorReadLine();
        return process;
    }

    private async Task EndAsync()
    {
        if (_process is { } process)
        {
            _process = null;
            if (!process.HasExited)
            {
                process.Kill();
            }

            await process.WaitForExitAsync(CancellationToken.None);
            process.Dispose();
        }
    }
}
