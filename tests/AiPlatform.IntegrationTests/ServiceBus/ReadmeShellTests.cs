using System.Diagnostics;
using System.Text.RegularExpressions;
using AiPlatform.Hosting;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.Local.Servers;
using Azure.Messaging.ServiceBus;

namespace AiPlatform.IntegrationTests.ServiceBus;

/// <summary>The broker alone, started by the commands of its README with the configuration file of its README.</summary>
[Collection(EmulatorsCollection.Name)]
public sealed partial class ReadmeShellTests(PostgresFixture postgres)
{
    private const string Project = "infra/AiPlatform.ServiceBusEmulator";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task The_broker_starts_alone_with_a_configuration_file_in_the_folder_of_its_reader()
    {
        var readme = await File.ReadAllTextAsync(Path.Combine(RepositoryFolders.Root, Project, "README.md"));
        var (amqp, http) = (TcpPorts.Free(), TcpPorts.Free());
        var folder = Directory.CreateTempSubdirectory("aip-broker-alone-").FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "Config.json"), Block(readme, "json"));
        var commands = Replaced(Block(readme, "sh"), "'Host=127.0.0.1;Username=postgres;Database=servicebus'", $"'{await postgres.CreateDatabaseAsync("alone")}'");
        commands = Replaced(Replaced(commands, "5672", $"{amqp}"), "5300", $"{http}");
        // The tests have built it.
        commands = Replaced(commands, $"dotnet run --project {Project}", $"dotnet run --no-build --project {Path.Combine(RepositoryFolders.Root, Project)}");
        using var shell = Process.Start(new ProcessStartInfo("/bin/bash", ["-c", commands]) { WorkingDirectory = folder })!;
        try
        {
            using var client = new HttpClient();
            await Eventually.TrueAsync(
                async () => shell.HasExited || (await client.GetAsync($"http://127.0.0.1:{http}/health/ready")).IsSuccessStatusCode, "the broker is ready", Patience);
            Assert.False(shell.HasExited);
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

    private static string Block(string markdown, string language)
        => Fence().Matches(markdown.ReplaceLineEndings("\n")).First(match => match.Groups["language"].Value == language).Groups["text"].Value;

    private static string Replaced(string text, string old, string with)
    {
        Assert.Contains(old, text, StringComparison.Ordinal);
        return text.Replace(old, with, StringComparison.Ordinal);
    }

    [GeneratedRegex(@"^```(?<language>[a-z]+)\n(?<text>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Fence();
}
