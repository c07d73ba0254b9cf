using AiPlatform.Client;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Contracts.Runners;
using Azure.Messaging.ServiceBus;

namespace AiPlatform.IntegrationTests.Orchestrations;

/// <summary>A runner whose ranks do what the test says: it takes real messages, makes real claims and sends real events.</summary>
internal sealed class TestRunner : IAsyncDisposable
{
    private readonly AiPlatformClient _api;
    private readonly ServiceBusReceiver _messages;
    private readonly ServiceBusSender _events;
    private readonly string _session = Guid.NewGuid().ToString("N");
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _heartbeats;

    private TestRunner(OrchestrationsFixture platform, string id)
    {
        _api = platform.RunnerApi;
        Id = id;
        _messages = platform.Bus.CreateReceiver(JobQueues.For("default", JobPriority.Normal));
        _events = platform.Bus.CreateSender(JobQueues.Events);
        _heartbeats = HeartbeatAsync();
    }

    public string Id { get; }

    public static async Task<TestRunner> StartAsync(OrchestrationsFixture platform, int slots)
    {
        var runner = new TestRunner(platform, Guid.NewGuid().ToString("N"));
        await platform.RunnerApi.RegisterRunnerAsync(
            new RegisterRunnerRequest(runner.Id, runner._session, "test", "default", slots, "127.0.0.1", [new Device(0, "cpu", "CPU", null, 1)]), CancellationToken.None);
        return runner;
    }

    /// <summary>Takes the next node that is offered and claims it.</summary>
    public async Task<(NodeMessage Message, NodeAssignment Assignment)> TakeAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (true)
        {
            var received = await _messages.ReceiveMessageAsync(TimeSpan.FromSeconds(60), patience.Token) ?? throw new TimeoutException("No node was offered.");
            var message = received.Body.ToObjectFromJson<NodeMessage>(ContractsJson.Tolerant)!;
            await _messages.CompleteMessageAsync(received, patience.Token);
            try
            {
                var claim = new ClaimNodeRequest(Id, _session, "127.0.0.1");
                return (message, await _api.ClaimNodeAsync(message.JobId, message.Attempt, message.Node, claim, patience.Token));
            }
            catch (ApiException exception) when (exception.Code == ErrorCodes.NodeClaimed)
            {
                // An offer of an attempt that has ended: the next one.
            }
        }
    }

    public Task ReportAsync(NodeMessage node, JobEventKind kind, int? exitCode = null, string? reason = null)
        => _events.SendMessageAsync(new ServiceBusMessage(BinaryData.FromObjectAsJson(
            new JobEvent(Guid.NewGuid().ToString("N"), node.JobId, node.Attempt, node.Node, kind, DateTimeOffset.UtcNow, exitCode, reason, Id), ContractsJson.Strict)));

    /// <summary>Waits until the platform tells this runner to stop a node.</summary>
    public Task WaitForCancelAsync(NodeMessage node) => Eventually.TrueAsync(
        async () =>
        {
            var answer = await BeatAsync([new RunningNode(node.JobId, node.Attempt, node.Node)]);
            return answer.Commands.Any(command => command.Kind == RunnerCommandKind.Cancel && command.Node?.JobId == node.JobId);
        },
        "the runner is told to stop the node");

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _heartbeats;
        await _messages.DisposeAsync();
        await _events.DisposeAsync();
        // An idle runner must not attract the next test's jobs.
        await _api.RunnerHeartbeatAsync(Id, new HeartbeatRequest(_session, Draining: true, [], []), CancellationToken.None);
        _stop.Dispose();
    }

    private Task<HeartbeatResponse> BeatAsync(IReadOnlyList<RunningNode> nodes)
        => _api.RunnerHeartbeatAsync(Id, new HeartbeatRequest(_session, Draining: false, [], nodes), _stop.Token);

    private async Task HeartbeatAsync()
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(3));
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token))
            {
                await BeatAsync([]);
            }
        }
        catch (OperationCanceledException)
        {
            // The test is over.
        }
    }
}
