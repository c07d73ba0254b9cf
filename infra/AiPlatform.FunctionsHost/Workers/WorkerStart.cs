using System.Net;
using System.Net.Sockets;
using AiPlatform.FunctionsHost.App;
using AiPlatform.FunctionsHost.Http;
using AiPlatform.FunctionsHost.Rpc;
using Microsoft.Extensions.Options;

namespace AiPlatform.FunctionsHost.Workers;

/// <summary>From a worker's call to its readiness: who are you, what do you offer, load it.</summary>
internal sealed class WorkerStart(FunctionApp app, IOptions<FunctionsHostOptions> options, ExpectedWorkers workers)
{
    private const string HostVersion = "4.1037.0";
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(10);

    /// <summary>Waits for the worker of this id and makes it ready.</summary>
    /// <exception cref="TimeoutException">It took longer than the options allow.</exception>
    /// <exception cref="InvalidOperationException">It said that something failed.</exception>
    public async Task<RunningWorker> RunAsync(string workerId, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(options.Value.StartLimit);
        try
        {
            var channel = await workers.WaitAsync(workerId, limit.Token);
            var capabilities = await InitializeAsync(channel, limit.Token);
            var functions = await LoadAsync(channel, limit.Token);
            var address = capabilities.TryGetValue("HttpUri", out var uri) ? await ListeningAsync(new Uri(uri), limit.Token) : null;
            return new RunningWorker(channel, address, functions, new RouteTable(functions, app.RoutePrefix));
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"It was not ready after {options.Value.StartLimit.TotalSeconds:0} s.", exception);
        }
    }

    private async Task<IDictionary<string, string>> InitializeAsync(WorkerChannel channel, CancellationToken cancellationToken)
    {
        var request = new WorkerInitRequest { HostVersion = HostVersion, WorkerDirectory = app.Directory, FunctionAppDirectory = app.Directory };
        var answer = await channel.RequestAsync(new StreamingMessage { WorkerInitRequest = request }, options.Value.StartLimit, cancellationToken);
        Succeed("start", answer.WorkerInitResponse?.Result);
        return answer.WorkerInitResponse!.Capabilities;
    }

    private async Task<IReadOnlyList<FunctionDescription>> LoadAsync(WorkerChannel channel, CancellationToken cancellationToken)
    {
        var request = new FunctionsMetadataRequest { FunctionAppDirectory = app.Directory };
        var answer = await channel.RequestAsync(new StreamingMessage { FunctionsMetadataRequest = request }, options.Value.StartLimit, cancellationToken);
        Succeed("list functions", answer.FunctionMetadataResponse?.Result);
        var functions = answer.FunctionMetadataResponse!.FunctionMetadataResults;
        await Task.WhenAll(functions.Select(function => LoadAsync(channel, function, cancellationToken)));
        return [.. functions.Select(FunctionDescription.Read)];
    }

    private async Task LoadAsync(WorkerChannel channel, RpcFunctionMetadata function, CancellationToken cancellationToken)
    {
        var request = new FunctionLoadRequest { FunctionId = function.FunctionId, Metadata = function };
        var answer = await channel.RequestAsync(new StreamingMessage { FunctionLoadRequest = request }, options.Value.StartLimit, cancellationToken);
        Succeed($"load {function.Name}", answer.FunctionLoadResponse?.Result);
    }

    // A worker says that it is there a moment before it listens.
    private static async Task<string> ListeningAsync(Uri uri, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                using var probe = new TcpClient();
                await probe.ConnectAsync(IPAddress.Loopback, uri.Port, cancellationToken);
                return $"http://127.0.0.1:{uri.Port}/";
            }
            catch (SocketException)
            {
                await Task.Delay(Poll, cancellationToken);
            }
        }
    }

    private static void Succeed(string what, StatusResult? result)
    {
        if (result?.Status != StatusResult.Types.Status.Success)
        {
            throw new InvalidOperationException($"It could not {what}: {result?.Exception?.Message ?? result?.Result ?? "an unexpected answer"}");
        }
    }
}
