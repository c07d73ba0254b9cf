using AiPlatform.Hosting.ServiceBus;
using Microsoft.Extensions.Configuration;

namespace AiPlatform.Tests.Hosting;

/// <summary>What the settings say decides how Service Bus is reached, and nothing else.</summary>
public sealed class ServiceBusConnectionTests
{
    [Theory]
    [InlineData("Endpoint=sb://127.0.0.1:5672;SharedAccessKeyName=Root;SharedAccessKey=c2VjcmV0;UseDevelopmentEmulator=true", "127.0.0.1")]
    [InlineData("Endpoint=sb://keys.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey=c2VjcmV0", "keys.servicebus.windows.net")]
    [InlineData("Endpoint=sb://signed.servicebus.windows.net/;SharedAccessSignature=SharedAccessSignature sr=x&sig=y&se=1&skn=z", "signed.servicebus.windows.net")]
    [InlineData("Endpoint=sb://identity.servicebus.windows.net", "identity.servicebus.windows.net")]
    [InlineData(" identity.servicebus.windows.net ", "identity.servicebus.windows.net")]
    public async Task A_connection_string_names_the_namespace_with_a_secret_or_without(string connectionString, string host)
    {
        await using var client = ServiceBusConnection.Create(Settings(("ConnectionStrings:ServiceBus", connectionString)));
        Assert.Equal(host, client.FullyQualifiedNamespace);
    }

    [Fact]
    public async Task The_settings_of_an_identity_based_connection_are_understood()
    {
        var settings = Settings(("ServiceBus:fullyQualifiedNamespace", "bus.servicebus.windows.net"), ("ServiceBus:clientId", Guid.NewGuid().ToString()));
        await using var client = ServiceBusConnection.Create(settings);
        Assert.Equal("bus.servicebus.windows.net", client.FullyQualifiedNamespace);
        Assert.True(ServiceBusConnection.IsConfigured(settings));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("  ")]
    public void Without_a_namespace_there_is_no_client(string? connectionString)
    {
        var settings = Settings(("ConnectionStrings:ServiceBus", connectionString));
        Assert.False(ServiceBusConnection.IsConfigured(settings));
        Assert.Null(ServiceBusConnection.TryCreate(settings));
        Assert.Contains("ConnectionStrings__ServiceBus", Assert.Throws<InvalidOperationException>(() => ServiceBusConnection.Create(settings)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_malformed_connection_string_is_refused_without_its_secret()
    {
        var settings = Settings(("ConnectionStrings:ServiceBus", "SharedAccessKeyName=a;SharedAccessKey=hidden"));
        var exception = Assert.ThrowsAny<Exception>(() => ServiceBusConnection.Create(settings));
        Assert.DoesNotContain("hidden", exception.Message, StringComparison.Ordinal);
    }

    private static IConfiguration Settings(params (string Name, string? Value)[] values)
        => new ConfigurationBuilder().AddInMemoryCollection(values.Select(static value => KeyValuePair.Create(value.Name, value.Value))).Build();
}
