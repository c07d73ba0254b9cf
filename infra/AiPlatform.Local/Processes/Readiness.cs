using System.Diagnostics;
using System.Net.Sockets;

namespace AiPlatform.Local.Processes;

/// <summary>Waits until a child process answers.</summary>
internal static class Readiness
{
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(2) };

    /// <summary>Waits until the port accepts connections.</summary>
    public static Task WaitForTcpAsync(string name, int port, ChildProcess process, TimeSpan limit, CancellationToken cancellationToken)
        => WaitAsync(
            name,
            process,
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
        => WaitAsync(
            name,
            process,
            limit,
            async () =>
            {
                using var answer = await Http.GetAsync(address, cancellationToken).ConfigureAwait(false);
                return answer.IsSuccessStatusCode;
            },
            cancellationToken);

    private static async Task WaitAsync(string name, ChildProcess process, TimeSpan limit, Func<Task<bool>> isReadyAsync, CancellationToken cancellationToken)
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

            if (process.HasExited)
            {
                await process.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
                throw new InvalidOperationException($"{name} stopped while starting (exit code {process.ExitCode}); see {process.Log.Path}\n{process.Log.Tail}");
            }

            if (waited.Elapsed > limit)
            {
                throw new InvalidOperationException($"{name} was not ready after {limit.TotalSeconds:0} s; see {process.Log.Path}\n{process.Log.Tail}");
            }

            await Task.Delay(50, cancellationToken).ConfigureAwait(false);
        }
    }
}
