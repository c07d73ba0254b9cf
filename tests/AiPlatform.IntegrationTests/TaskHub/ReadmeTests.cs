using AiPlatform.IntegrationTests.Servers;

namespace AiPlatform.IntegrationTests.TaskHub;

/// <summary>The C# of the orchestrations' README, against a hub: a client and a worker that do what they are shown to do.</summary>
[Collection(TaskHubCollection.Name)]
public sealed class ReadmeTests(PostgresFixture postgres)
{
    private const string Types = """
        public sealed record TrainInput(string Name);

        public sealed class Admit : TaskActivity<TrainInput, string>
        {
            public override Task<string> RunAsync(TaskActivityContext context, TrainInput input) => Task.FromResult($"{input.Name} is admitted");
        }
        """;

    // What a reader has around the snippets: a host, and somebody who starts an orchestration.
    private const string Host = """
        await using var provider = services.BuildServiceProvider();
        foreach (var hosted in provider.GetServices<IHostedService>())
        {
            await hosted.StartAsync(default);
        }

        var client = provider.GetRequiredService<DurableTaskClient>();
        var id = await client.ScheduleNewOrchestrationInstanceAsync("Train", new TrainInput("digits"));
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var ended = await client.WaitForInstanceCompletionAsync(id, getInputsAndOutputs: true, patience.Token);
        foreach (var hosted in provider.GetServices<IHostedService>().Reverse())
        {
            await hosted.StopAsync(default);
        }

        if (ended.ReadOutputAs<string>() != "digits is admitted")
        {
            throw new InvalidOperationException($"{ended.RuntimeStatus}: {ended.SerializedOutput} {ended.FailureDetails}");
        }
        """;

    private static readonly string[] Usings =
    [
        "AiPlatform.Hosting.TaskHubs", "Grpc.Core", "Grpc.Net.Client", "Microsoft.DurableTask", "Microsoft.DurableTask.Client", "Microsoft.DurableTask.Client.Grpc",
        "Microsoft.DurableTask.Worker", "Microsoft.DurableTask.Worker.Grpc", "Microsoft.DurableTask.Worker.Grpc.Internal", "Microsoft.Extensions.DependencyInjection", "Microsoft.Extensions.Hosting",
    ];

    [Fact]
    public async Task Clients_and_workers_connect_by_connection_string_or_by_a_channel_of_their_own_as_the_README_says()
    {
        var snippets = await CSharpSnippet.OfAsync("orchestrations/README.md");
        Assert.Equal(2, snippets.Count);
        await using var hub = await HubHarness.StartAsync(await postgres.CreateDatabaseAsync("taskhub"));
        const string services = "var services = new ServiceCollection();\nservices.AddLogging();\n";
        await CSharpSnippet.RunAsync(Usings, services + "var connectionString = args[0];", snippets[0], Host, Types, hub.SchedulerConnectionString("default"));

        // The second leaves the orchestrator to the first.
        var train = snippets[0][snippets[0].IndexOf("public sealed class Train", StringComparison.Ordinal)..];
        Assert.Contains("http://127.0.0.1:4001", snippets[1], StringComparison.Ordinal);
        await CSharpSnippet.RunAsync(
            Usings, services + "var key = args[0];", snippets[1].Replace(":4001", $":{hub.GrpcPort}", StringComparison.Ordinal), Host, $"{Types}\n{train}", HubHarness.AccessKey);
    }
}
