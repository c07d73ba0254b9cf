using Microsoft.DurableTask;
using Microsoft.DurableTask.Converters;
using Microsoft.DurableTask.Protobuf;
using Microsoft.DurableTask.Worker;
using Microsoft.DurableTask.Worker.Grpc;
using Microsoft.DurableTask.Worker.Grpc.Internal;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace AiPlatform.TaskHub.Cli.Replay;

/// <summary>Microsoft's worker without a hub: it runs the turns that it is asked to run, and nothing is carried out.</summary>
internal sealed class ReplayWorker : IAsyncDisposable
{
    private readonly ReplayInvoker _hub = new();
    private readonly ServiceProvider _services;
    private readonly IHostedService _worker;

    private ReplayWorker(Action<DurableTaskRegistry> tasks, DataConverter converter)
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddDurableTaskWorker(worker => worker
            .AddTasks(tasks)
            .Configure(options =>
            {
                options.DataConverter = converter;
                options.EnableEntitySupport = true;
            })
            .UseGrpc(options =>
            {
                options.ConfigureForAzureManaged();
                options.CallInvoker = _hub;
            }));
        _services = services.BuildServiceProvider();
        _worker = _services.GetServices<IHostedService>().Single();
    }

    /// <summary>Starts a worker.</summary>
    /// <param name="tasks">Adds the orchestrators.</param>
    /// <param name="converter">The converter of payloads; JSON when null.</param>
    public static async Task<ReplayWorker> StartAsync(Action<DurableTaskRegistry> tasks, DataConverter? converter = null)
    {
        var worker = new ReplayWorker(tasks, converter ?? JsonDataConverter.Default);
        await worker._worker.StartAsync(CancellationToken.None);
        return worker;
    }

    /// <summary>Runs one turn.</summary>
    /// <param name="instance">The instance and its execution.</param>
    /// <param name="past">The history so far.</param>
    /// <param name="newEvents">What has happened since.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>What the orchestrator asks for.</returns>
    public Task<OrchestratorResponse> RunAsync(
        OrchestrationInstance instance, IEnumerable<HistoryEvent> past, IEnumerable<HistoryEvent> newEvents, CancellationToken cancellationToken)
    {
        var request = new OrchestratorRequest
        {
            InstanceId = instance.InstanceId,
            ExecutionId = instance.ExecutionId,
            EntityParameters = new() { EntityMessageReorderWindow = new() },
        };
        request.PastEvents.AddRange(past);
        request.NewEvents.AddRange(newEvents);
        return _hub.AskAsync(request).WaitAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _worker.StopAsync(CancellationToken.None);
        await _services.DisposeAsync();
        _hub.Dispose();
    }
}
