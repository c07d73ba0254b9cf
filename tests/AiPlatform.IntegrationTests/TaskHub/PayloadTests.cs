using AiPlatform.IntegrationTests.Servers;
using AiPlatform.TaskHub.Payloads;
using Azure.Storage.Blobs;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Microsoft.DurableTask.Entities;
using Npgsql;

namespace AiPlatform.IntegrationTests.TaskHub;

/// <summary>Large payloads are in Blob storage, neither clients nor workers notice, and they go with what named them.</summary>
[Collection(TaskHubCollection.Name)]
public sealed class PayloadTests(PostgresFixture postgres, AzuriteFixture azurite) : IAsyncLifetime
{
    private const int Large = 20_000;

    private readonly string _container = $"payloads-{Guid.NewGuid():N}";
    private string _database = string.Empty;
    private HubHarness _hub = null!;

    private string[] Arguments =>
    [
        $"--ConnectionStrings:Blob={azurite.ConnectionString}", $"--TaskHub:PayloadContainer={_container}", "--TaskHub:PayloadThreshold=8192",
        "--TaskHub:PayloadSweep=00:00:00.200", "--TaskHub:PayloadGrace=00:00:02",
    ];

    public async Task InitializeAsync()
    {
        _database = await postgres.CreateDatabaseAsync("taskhub");
        _hub = await HubHarness.StartAsync(_database, Arguments);
        await _hub.StartWorkerAsync(Register);
        await _hub.StartWorkerAsync(Register);
    }

    public async Task DisposeAsync() => await _hub.DisposeAsync();

    [Fact]
    public async Task Inputs_results_events_and_outputs_pass_unchanged_and_are_purged_with_their_instance()
    {
        var text = Text(Large);
        var id = await _hub.Client.ScheduleNewOrchestrationInstanceAsync("Echo", text);
        await Eventually.TrueAsync(async () => (await _hub.HistoryAsync(id)).Any(item => item.EventType == "TaskCompleted"), "the activity has answered");

        // What is in the rows outlives the process; the payloads do too.
        await _hub.StopHubAsync();
        await _hub.StartHubAsync(Arguments);
        await _hub.Client.RaiseEventAsync(id, "more", text);
        var ended = await _hub.EndAsync(id);
        Assert.True(ended.RuntimeStatus == OrchestrationRuntimeStatus.Completed, $"{ended.FailureDetails}");
        Assert.Equal(text, ended.ReadInputAs<string>());
        Assert.Equal(text + text + text, ended.ReadOutputAs<string>());
        var history = await _hub.HistoryAsync(id);
        Assert.Equal(text, System.Text.Json.JsonSerializer.Deserialize<string>(history.Single(item => item.EventType == "EventRaised").Input!));
        await foreach (var listed in _hub.Client.GetAllInstancesAsync(new OrchestrationQuery(FetchInputsAndOutputs: true)))
        {
            Assert.Equal((id, ended.SerializedInput, ended.SerializedOutput), (listed.InstanceId, listed.SerializedInput, listed.SerializedOutput));
        }

        var again = await _hub.Client.RestartAsync(id, restartWithNewInstanceId: true);
        await _hub.Client.RaiseEventAsync(again, "more", "end");
        Assert.Equal(text + text + "end", (await _hub.EndAsync(again)).ReadOutputAs<string>());

        Assert.True(await LongestRowAsync() < 8192, "PostgreSQL has no large payload");
        Assert.NotEqual(0, await BlobsAsync());
        await _hub.Client.PurgeAllInstancesAsync(new PurgeInstancesFilter());
        await Eventually.TrueAsync(async () => await BlobsAsync() == 0, "the payloads are gone");
    }

    [Fact]
    public async Task Each_execution_and_each_state_of_an_entity_takes_its_payloads_with_it()
    {
        var counter = new EntityInstanceId("Keeper", "k");
        for (var round = 0; round < 4; round++)
        {
            await _hub.Client.Entities.SignalEntityAsync(counter, "Append", Text(Large));
        }

        var ended = await _hub.RunAsync("Loops", new Loop(5, Text(Large)));
        Assert.Equal(Large, ended.ReadOutputAs<int>());
        await Eventually.TrueAsync(
            async () => (await _hub.Client.Entities.GetEntityAsync(counter))?.State.ReadAs<string>()?.Length == 4 * Large, "the entity has appended all");

        // The last execution's input, and its activity's input and result; and the state.
        await Eventually.TrueAsync(async () => await BlobsAsync() == 4, "only what is named is left");
        await _hub.Client.Entities.SignalEntityAsync(counter, "Delete");
        await _hub.Client.PurgeInstanceAsync(ended.InstanceId);
        await Eventually.TrueAsync(async () => await BlobsAsync() == 0, "nothing is left");
    }

    [Fact]
    public async Task Sub_orchestrations_and_other_receivers_keep_what_they_were_sent_when_the_sender_is_purged()
    {
        var text = Text(Large);
        var receiver = await _hub.Client.ScheduleNewOrchestrationInstanceAsync("Waits");
        var sender = await _hub.RunAsync("SendsText", new Message(receiver, text));
        await _hub.Client.PurgeInstanceAsync(sender.InstanceId);
        Assert.Equal(text, (await _hub.EndAsync(receiver)).ReadOutputAs<string>());

        var parent = await _hub.RunAsync("ParentOfEcho", text);
        await _hub.Client.PurgeInstanceAsync(parent.InstanceId + "-child");
        await Eventually.TrueAsync(async () => await BlobsAsync() > 0 && await UnnamedAsync() == 0, "the sweep has run");
        var answer = (await _hub.HistoryAsync(parent.InstanceId)).Single(item => item.EventType == "SubOrchestrationInstanceCompleted");
        Assert.Equal(parent.SerializedOutput, answer.Result);
    }

    [Fact]
    public async Task Nobody_reads_a_payload_by_naming_it()
    {
        var id = await _hub.Client.ScheduleNewOrchestrationInstanceAsync("Waits");
        await _hub.Client.RaiseEventAsync(id, "other", Text(Large));
        await using var source = NpgsqlDataSource.Create(_database);
        var blob = (string)(await source.CreateCommand("SELECT blob FROM payload_refs LIMIT 1").ExecuteScalarAsync())!;
        var forged = new PayloadToken(blob, Large).ToString();
        var stub = RawWorker.Client(_hub.GrpcPort);
        await stub.StartInstanceAsync(new() { InstanceId = "forger", Name = "Nobody", Input = forged });
        Assert.Equal(forged, (await stub.GetInstanceAsync(new() { InstanceId = "forger", GetInputsAndOutputs = true })).OrchestrationState.Input);
    }

    [Fact]
    public async Task A_hub_without_its_storage_does_not_serve_what_needs_it()
    {
        await _hub.Client.ScheduleNewOrchestrationInstanceAsync("Waits", Text(Large));
        await _hub.StopHubAsync();
        await Assert.ThrowsAsync<TimeoutException>(() => _hub.StartHubAsync(TimeSpan.FromSeconds(2)));
        Assert.Equal(System.Net.HttpStatusCode.ServiceUnavailable, await _hub.StatusAsync("/health/ready"));
    }

    private static void Register(DurableTaskRegistry registry)
    {
        SampleTasks.Register(registry);
        registry
            .AddActivityFunc<string, string>("Twice", (_, text) => text + text)
            .AddOrchestratorFunc<string, string>("Echo", async (context, text) =>
                await context.CallActivityAsync<string>("Twice", text) + await context.WaitForExternalEvent<string>("more"))
            .AddOrchestratorFunc<string, string>("ParentOfEcho", async (context, text) =>
            {
                var child = context.CallSubOrchestratorAsync<string>("Echo", text, new SubOrchestrationOptions(instanceId: context.InstanceId + "-child"));
                context.SendEvent(context.InstanceId + "-child", "more", text);
                return await child;
            })
            .AddOrchestratorFunc<Message, string>("SendsText", (context, message) =>
            {
                context.SendEvent(message.Target, "go", message.Text);
                return Task.FromResult("sent");
            })
            .AddOrchestratorFunc<Loop, int>("Loops", async (context, loop) =>
            {
                var doubled = await context.CallActivityAsync<string>("Twice", loop.Text);
                if (loop.Left > 1)
                {
                    context.ContinueAsNew(loop with { Left = loop.Left - 1 });
                }

                return doubled.Length / 2;
            })
            .AddEntity<Keeper>();
    }

    private static string Text(int length) => string.Create(length, 0, static (span, _) =>
    {
        for (var index = 0; index < span.Length; index++)
        {
            span[index] = (char)('a' + (index % 26));
        }
    });

    private async Task<int> BlobsAsync() => (await NamesAsync()).Count;

    private async Task<List<string>> NamesAsync()
    {
        var names = new List<string>();
        await foreach (var blob in new BlobServiceClient(azurite.ConnectionString, new BlobClientOptions(BlobClientOptions.ServiceVersion.V2024_11_04)).GetBlobContainerClient(_container).GetBlobsAsync())
        {
            names.Add(blob.Name);
        }

        return names;
    }

    private async Task<int> UnnamedAsync()
    {
        await using var source = NpgsqlDataSource.Create(_database);
        await using var command = source.CreateCommand("SELECT count(*)::int FROM unnest($1) AS b WHERE NOT EXISTS (SELECT 1 FROM payload_refs r WHERE r.blob = b)");
        command.Parameters.Add(new() { Value = (await NamesAsync()).ToArray() });
        return (int)(await command.ExecuteScalarAsync())!;
    }

    private async Task<int> LongestRowAsync()
    {
        await using var source = NpgsqlDataSource.Create(_database);
        await using var command = source.CreateCommand("SELECT greatest((SELECT max(length(payload)) FROM log), (SELECT max(greatest(length(input), length(state))) FROM instances))");
        return (int)(await command.ExecuteScalarAsync())!;
    }

    internal sealed record Loop(int Left, string Text);

    internal sealed record Message(string Target, string Text);

    /// <summary>Keeps a text.</summary>
    internal sealed class Keeper : TaskEntity<string>
    {
        public void Append(string text) => State += text;

        protected override string InitializeState(TaskEntityOperation entityOperation) => string.Empty;
    }
}
