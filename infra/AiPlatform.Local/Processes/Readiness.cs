using System.Diagnostics;
using System.Net.Sockets;

namespace AiPlatform.Local.Processes;

/// <summary>Waits until a child process answers.</summary>
internal static class Readiness
{
    private static readonly TimeSpan LastWords = TimeSpan.FromMilliseconds(200);

    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(2) };

    /// <summary>Waits until the port accepts connections.</summary>
    public static Task WaitForTcpAsync(string name, int port, ChildProcess process, TimeSpan limit, CancellationToken cancellationToken)
        => WaitAsync(
            name,
            () => EndOf(process),
            process.Log,
            limit,
            async () =>
            {
                using var client = new TcpClient();
                await client.ConnectAsync("127.0.0.1", port, cancellationToken).ConfigureAwait(false);
                return true;
            },
            cancellationToken);

    /// <summary>Waits until the address answers with a success status.</summary>
    public static Task WaitForHttpAsync(string name, Uri address, ChildProcess process, TimeSpan limit, CancellationToken cancellationToken)
        => WaitForHttpAsync(name, address, () => EndOf(process), process.Log, limit, cancellationToken);

    /// <summary>Waits until the address answers with a success status, or <paramref name="end"/> says how what was to answer has ended.</summary>
    public static Task WaitForHttpAsync(string name, Uri address, Func<string?> end, BoundedLog log, TimeSpan limit, CancellationToken cancellationToken)
        => WaitAsync(
            name,
            end,
            log,
            limit,
            async () =>
            {
                using var answer = await Http.GetAsync(address, cancellationToken).ConfigureAwait(false);
                return answer.IsSuccessStatusCode;
            },
            cancellationToken);

    private static string? EndOf(ChildProcess process) => process.HasExited ? $"exit code {process.ExitCode}" : null;

    private static async Task WaitAsync(
        string name, Func<string?> end, BoundedLog log, TimeSpan limit, Func<Task<bool>> isReadyAsync, CancellationToken cancellationToken)
    {
        var waited = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                if (await isReadyAsync().ConfigureAwait(false))
                {
                    return;
                }
            }
            catch (Exception exception) when (exception is SocketException or HttpRequestException or TaskCanceledException && !cancellationToken.IsCancellationRequested)
            {
                // Not listening yet.
            }

            if (end() is { } how)
            {
                // What it wrote last is still being read.
                await Task.Delay(LastWords, cancellationToken).ConfigureAwait(false);
                throw new InvalidOperationException($"{name} stopped while starting ({how}); see {log.Path}\n{log.Tail}");
            }

            if (waited.Elapsed > limit)
            {
                throw new InvalidOperationException($"{name} was not ready after {limit.TotalSeconds:0} s; see {log.Path}\n{log.Tail}");
            }

            await Task.Delay(50, cancellationToken).ConfigureAwait(false);
        }
    }
}
