using AiPlatform.Hosting;
using AiPlatform.IntegrationTests.TaskHub;
using AiPlatform.TaskHub;
using Microsoft.AspNetCore.Builder;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Entities;
using Microsoft.Extensions.Hosting;

namespace AiPlatform.IntegrationTests.Functions.Operations;

/// <summary>
/// A real task hub with a worker that knows three orchestrations: <c>Echo</c> ends at once, <c>Wait</c> with the event <c>go</c>,
/// <c>Fail</c> with its input; and the entity <c>counter</c>.
/// </summary>
public sealed class TaskHubInstance : IAsyncDisposable
{
    /// <summary>What the hub demands.</summary>
    public const string AccessKey = "the-key-of-the-test-hub";

    private readonly WebApplication _hub;
    private readonly IHost _worker;

    private TaskHubInstance(WebApplication hub, IHost worker, string connectionString)
    {
        _hub = hub;
        _worker = worker;
        ConnectionString = connectionString;
    }

    /// <summary>The connection string for clients.</summary>
    public string ConnectionString { get; }

    /// <summary>Starts hub and worker on a database.</summary>
    /// <param name="grpcPort">A port, or 0 for a free one.</param>
    public static async Task<TaskHubInstance> StartAsync(string postgres, int grpcPort = 0)
    {
        var port = grpcPort == 0 ? TcpPorts.Free() : grpcPort;
        var hub = TaskHubApp.Build(
        [
            $"--ConnectionStrings:Postgres={postgres}", $"--TaskHub:GrpcPort={port}", $"--TaskHub:HttpPort={TcpPorts.Free()}", "--Logging:LogLevel:Default=Error",
            $"--TaskHub:BearerToken={AccessKey}",
        ]);
        await hub.StartAsync();
        var connectionString = $"Endpoint=http://127.0.0.1:{port};TaskHub=default;Authentication=AccessKey;AccessKey={AccessKey}";
        var host = HubHarness.BuildWorker(connectionString, static tasks =>
        {
            tasks.AddOrchestratorFunc<string, string>("Echo", static (_, input) => Task.FromResult($"echo {input}"));
            tasks.AddOrchestratorFunc<string?, string>("Wait", static async (context, _) => await context.WaitForExternalEvent<string>("go"));
            tasks.AddEntity<Counter>();
            tasks.AddOrchestratorFunc<string, string>("Fail", static Task<string> (TaskOrchestrationContext _, string input) => throw new InvalidDataException(input));
        });
        await host.StartAsync();
        return new TaskHubInstance(hub, host, connectionString);
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _worker.StopAsync();
        _worker.Dispose();
        await _hub.StopAsync();
        await _hub.DisposeAsync();
    }

    private sealed class Counter : TaskEntity<int>
    {
        public int Add(int amount) => State += amount;
    }
}
