using System.Text.Json;
using System.Text.Json.Serialization;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Datasets;
using AiPlatform.Contracts.Jobs;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.Orchestrations.Data;
using AiPlatform.Orchestrations.Data.Models;
using AiPlatform.Orchestrations.Quality;
using AiPlatform.Orchestrations.Training;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Microsoft.DurableTask.Converters;
using Microsoft.DurableTask.Entities;
using Npgsql;

namespace AiPlatform.IntegrationTests.TaskHub;

/// <summary>
/// A hub's database that an earlier version left, with orchestrations in flight whose histories an earlier worker wrote: they go on
/// under today's hub and Microsoft's worker.
/// </summary>
[Collection(TaskHubCollection.Name)]
public sealed class UpgradeTests(PostgresFixture postgres)
{
    // As the earlier worker wrote payloads when nothing else was configured.
    private static readonly JsonDataConverter Converter = new(new JsonSerializerOptions(JsonSerializerDefaults.Web)
    {
        NumberHandling = JsonNumberHandling.AllowReadingFromString | JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
        IncludeFields = true,
    });

    [Fact]
    public async Task Orchestrations_of_every_kind_go_on()
    {
        await using var hub = await HubHarness.StartAsync(await RestoreAsync());
        await hub.StartWorkerAsync(Register, options => options.DataConverter = Converter);
        await hub.Client.RaiseEventAsync("before-waits", "go", "now");
        await hub.Client.RaiseEventAsync("before-child", "go", "child");
        await hub.Client.RaiseEventAsync("before-collector", "add", 2);
        await hub.Client.RaiseEventAsync("before-collector", "add", 3);
        await hub.Client.ResumeInstanceAsync("before-suspended");
        await hub.Client.RaiseEventAsync("before-locks", "go", "");
        await hub.Client.RaiseEventAsync("before-shapes", "go", "");

        async Task<T> OutputAsync<T>(string name)
        {
            var ended = await hub.EndAsync("before-" + name);
            Assert.True(ended.RuntimeStatus == OrchestrationRuntimeStatus.Completed, $"{name}: {ended.RuntimeStatus} {ended.FailureDetails}");
            return Converter.Deserialize<T>(ended.SerializedOutput)!;
        }

        Assert.Equal("now", await OutputAsync<string>("waits"));
        Assert.InRange(await OutputAsync<double>("sleeps"), 60_000, double.MaxValue);
        Assert.Equal(("child", "child"), (await OutputAsync<string>("child"), await OutputAsync<string>("parent")));
        Assert.Equal(6, await OutputAsync<int>("collector"));
        Assert.Equal("kept", await OutputAsync<string>("suspended"));
        Assert.Equal(6, await OutputAsync<int>("sequence"));
        Assert.Equal("x works", await OutputAsync<string>("retries"));
        Assert.Equal(15, await OutputAsync<int>("scheduled"));

        // Workers make the ids of critical sections and entity calls, each in its own way: what was inside one fails, says so, and
        // gives the lock back. The platform has no such orchestration.
        var inside = await hub.EndAsync("before-locks");
        Assert.Equal(OrchestrationRuntimeStatus.Failed, inside.RuntimeStatus);
        Assert.Contains("NonDeterministic", inside.FailureDetails!.ErrorType, StringComparison.Ordinal);
        var account = new EntityInstanceId("account", "a");
        await Eventually.TrueAsync(async () => (await hub.Client.Entities.GetEntityAsync<int>(account))!.LockedBy is null, "the entity is free");
        Assert.Equal(15, (await hub.Client.Entities.GetEntityAsync<int>(account))!.State);
        Assert.Equal(7, (await hub.Client.Entities.GetEntityAsync<int>(new EntityInstanceId("account", "idle")))!.State);

        var shape = await OutputAsync<Shape>("shapes");
        Assert.Equal(("s", ShapeKind.Square, 1.5, 2), (shape.Name, shape.Kind, shape.Size, shape.Turns));
        Assert.Equal(new DateTimeOffset(2026, 11, 1, 2, 3, 4, TimeSpan.Zero), shape.At);
        Assert.Equal(["a", "b"], shape.Parts);
    }

    [Fact]
    public async Task Jobs_imports_and_reports_of_the_platform_go_on()
    {
        await using var hub = await HubHarness.StartAsync(await RestoreAsync());
        var converter = new JsonDataConverter(ContractsJson.Tolerant);
        await hub.StartWorkerAsync(RegisterPlatform, options => options.DataConverter = converter, hub: "platform", filters: true);
        var client = hub.CreateClient("platform");
        Task TellAsync(string job, int attempt, int node, JobEventKind kind) => client.RaiseEventAsync(
            job,
            TrainingJobEvents.JobEvent,
            JsonSerializer.SerializeToElement(new JobEvent($"{job}-{node}-{kind}", job, attempt, node, kind, DateTimeOffset.UtcNow), ContractsJson.Strict));

        // The time-outs of the jobs are long over: an attempt may be lost before its nodes are heard, and another follows.
        foreach (var job in (string[])["before-job-running", "before-job-queued"])
        {
            for (var attempt = 1; await client.GetInstanceAsync(job) is { IsCompleted: false }; attempt = (attempt % 3) + 1)
            {
                foreach (var (node, kind) in (IEnumerable<(int, JobEventKind)>)
                    [(0, JobEventKind.Started), (1, JobEventKind.Started), (0, JobEventKind.Finished), (1, JobEventKind.Finished)])
                {
                    await TellAsync(job, attempt, node, kind);
                }

                await Task.Delay(100);
            }
        }

        foreach (var (id, output) in (IEnumerable<(string, string)>)
            [("before-job-running", "\"succeeded\""), ("before-job-queued", "\"succeeded\""), ("before-import", "\"succeeded\""), ("before-report", "true")])
        {
            using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(60));
            var ended = await client.WaitForInstanceCompletionAsync(id, getInputsAndOutputs: true, deadline.Token);
            Assert.True(ended.RuntimeStatus == OrchestrationRuntimeStatus.Completed, $"{id}: {ended.RuntimeStatus} {ended.FailureDetails}");
            Assert.Equal(output, ended.SerializedOutput);
        }
    }

    private static void Register(DurableTaskRegistry registry)
    {
        SampleTasks.Register(registry);
        registry.AddEntity<Account>();
        registry.AddActivityFunc<int, int>("Slowly", (_, value) => value + 1);
        registry.AddActivityFunc<string, string>("Flaky", (_, text) => $"{text} works");
        registry.AddActivityFunc<Shape, Shape>("Turn", (_, shape) => shape with
        {
            Turns = shape.Turns + 1,
            Kind = shape.Kind == ShapeKind.Square ? ShapeKind.LongCircle : ShapeKind.Square,
        });
        registry.AddOrchestratorFunc<int, int>("SlowSequence", async (context, value) =>
        {
            for (var step = 0; step < 5; step++)
            {
                value = await context.CallActivityAsync<int>("Slowly", value);
            }

            return value;
        });
        registry.AddOrchestratorFunc<string, string>("Retries", async (context, input) => await context.CallActivityAsync<string>(
            "Flaky", input, TaskOptions.FromRetryPolicy(new RetryPolicy(5, TimeSpan.FromSeconds(2), 2))));
        registry.AddOrchestratorFunc<string, int>("HoldsLock", async (context, key) =>
        {
            var account = new EntityInstanceId("account", key);
            await context.Entities.SignalEntityAsync(account, "deposit", 5);
            await using (await context.Entities.LockEntitiesAsync(account))
            {
                var balance = await context.Entities.CallEntityAsync<int>(account, "deposit", 10);
                await context.WaitForExternalEvent<string>("go");
                return balance + await context.Entities.CallEntityAsync<int>(account, "deposit", 100);
            }
        });
        registry.AddOrchestratorFunc<Shape, Shape>("Shapes", async (context, shape) =>
        {
            var first = await context.CallActivityAsync<Shape>("Turn", shape);
            await context.WaitForExternalEvent<string>("go");
            return await context.CallActivityAsync<Shape>("Turn", first);
        });
    }

    /// <summary>The platform's orchestrators, with activities that do nothing.</summary>
    private static void RegisterPlatform(DurableTaskRegistry registry)
    {
        registry.AddOrchestrator<TrainingJob>();
        registry.AddOrchestrator<DatasetImportOrchestration>(DatasetImportInput.Orchestration);
        registry.AddOrchestrator<MakeQualityReport>();
        registry.AddActivityFunc<JsonElement, JobAdmission>("AdmitAttempt", (_, input) => new JobAdmission(
            true,
            AdmissionBlock.None,
            null,
            "jobs",
            [.. Enumerable.Range(0, 2).Select(node => new NodeMessage(input.GetProperty("jobId").GetString()!, 1, node, 2))]));
        registry.AddActivityFunc<JsonElement, JobSpec>("DispatchNodes", (_, _) => new JobSpec(
            "image-classifier", null, JsonSerializer.SerializeToElement(new { epochs = 3 }), [], new JobResources(2), new JobRetry(), 3600, [], "model"));
        foreach (var name in (string[])["EndAttempt", "SetJobStatus", "RegisterModel", "EndImport"])
        {
            registry.AddActivityFunc<JsonElement>(name, (TaskActivityContext _, JsonElement _) => { });
        }

        registry.AddActivityFunc<string, ImportOutcome>("FetchImport", (_, _) => new ImportOutcome());
        registry.AddActivityFunc<string, ImportOutcome>("MakeImportedVersion", (_, _) => new ImportOutcome(DatasetImportStatus.Succeeded));
        registry.AddActivityFunc<JsonElement, bool>("ProfileFiles", (_, _) => true);
        registry.AddActivityFunc<JsonElement, bool>("AssembleQuality", (_, input) => input.GetProperty("parts").GetInt32() == 3);
    }

    private async Task<string> RestoreAsync()
    {
        var database = await postgres.CreateDatabaseAsync("taskhub");
        await using var connection = new NpgsqlConnection($"{database};Pooling=false");
        await connection.OpenAsync();
        await using var restore = new NpgsqlCommand(
            await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "TaskHub", "Fixtures", "hub-before-sdk.sql")), connection);
        await restore.ExecuteNonQueryAsync();
        return database;
    }

    internal enum ShapeKind
    {
        Square,
        LongCircle,
    }

    internal sealed record Shape(string Name, ShapeKind Kind, string? Note, double Size, DateTimeOffset At, int Turns, string[] Parts);

    internal sealed class Account : TaskEntity<int>
    {
        public int Deposit(int amount) => State += amount;
    }
}
