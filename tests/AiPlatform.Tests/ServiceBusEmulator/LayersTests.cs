using AiPlatform.Local.Servers;

namespace AiPlatform.Tests.ServiceBusEmulator;

/// <summary>Which folders of the broker may know which.</summary>
public sealed class LayersTests
{
    [Theory]
    [InlineData("Messages", new[] { "Queues", "Entities", "Filters", "Storage", "Protocol", "Administration" })]
    [InlineData("Queues", new[] { "Protocol", "Administration" })]
    [InlineData("Entities", new[] { "Protocol", "Administration" })]
    [InlineData("Filters", new[] { "Queues", "Protocol", "Administration" })]
    [InlineData("Storage", new[] { "Protocol" })]
    public void A_layer_of_the_broker_knows_nothing_of_the_layers_above_it(string layer, string[] above)
    {
        var files = Directory.GetFiles(Path.Combine(RepositoryFolders.Root, "infra", "AiPlatform.ServiceBusEmulator", layer), "*.cs", SearchOption.AllDirectories);

        Assert.NotEmpty(files);
        Assert.Empty(files.SelectMany(file => File.ReadLines(file).Where(line => above.Any(name => Names(line, name))).Select(line => $"{Path.GetFileName(file)}: {line.Trim()}")));
    }

    private static bool Names(string line, string layer)
        => line.Contains($"ServiceBusEmulator.{layer};", StringComparison.Ordinal) || line.Contains($"ServiceBusEmulator.{layer}.", StringComparison.Ordinal)
            || line.Contains($" {layer}.", StringComparison.Ordinal) || line.Contains($"({layer}.", StringComparison.Ordinal);
}
