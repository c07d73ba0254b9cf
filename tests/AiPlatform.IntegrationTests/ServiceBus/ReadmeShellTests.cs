using AiPlatform.Hosting;
using AiPlatform.IntegrationTests.Servers;
using Azure.Messaging.ServiceBus;

namespace AiPlatform.IntegrationTests.ServiceBus;

/// <summary>The broker alone, started by the commands of its README with the configuration file of its README.</summary>
[Collection(ServiceBusCollection.Name)]
public sealed class ReadmeShellTests(PostgresFixture postgres)
{
    private const string Readme = "infra/AiPlatform.ServiceBusEmulator/README.md";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task The_broker_starts_alone_with_a_configuration_file_in_the_folder_of_its_reader()
    {
        var (amqp, http) = (TcpPorts.Free(), TcpPorts.Free());
        var folder = Directory.CreateTempSubdirectory("aip-broker-alone-").FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "Config.json"), (await ReadmeShell.BlocksAsync(Readme, "json"))[0]);
        using var shell = ReadmeShell.Start(
            (await ReadmeShell.BlocksAsync(Readme, "sh"))[0], folder, ("'Host=127.0.0.1;Username=postgres;Database=servicebus'", $"'{await postgres.CreateDatabaseAsync("alone")}'"),
            ("5672", $"{amqp}"), ("5300", $"{http}"));
        var output = shell.StandardOutput.ReadToEndAsync();
        try
        {
            using var client = new HttpClient();
            await Eventually.TrueAsync(
                async () => shell.HasExited || (await client.GetAsync($"http://127.0.0.1:{http}/health/ready")).IsSuccessStatusCode, "the broker is ready", Patience);
            Assert.False(shell.HasExited, shell.HasExited ? await output : null);
            await using var bus = new ServiceBusClient(BrokerInstance.ConnectionStringFor(amqp, "a-long-secret"));
            await bus.CreateSender("orders").SendMessageAsync(new ServiceBusMessage("one"));
            var message = await bus.CreateReceiver("orders").ReceiveMessageAsync(TimeSpan.FromSeconds(20));
            Assert.Equal("one", message.Body.ToString());
        }
        finally
        {
            shell.Kill(entireProcessTree: true);
            await shell.WaitForExitAsync();
            Directory.Delete(folder, recursive: true);
        }
    }
}
