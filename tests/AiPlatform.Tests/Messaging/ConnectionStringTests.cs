using AiPlatform.Messaging;

namespace AiPlatform.Tests.Messaging;

public sealed class ConnectionStringTests
{
    [Fact]
    public void All_parts_are_read_whatever_their_case_and_order()
    {
        var parsed = ServiceBusConnectionStringProperties.Parse(
            "sharedaccesskey=abc=; Endpoint=sb://127.0.0.1:5999 ;SharedAccessKeyName=root;UseDevelopmentEmulator=True;EntityPath=jobs;");
        Assert.Equal(
            ("127.0.0.1", 5999, "root", "abc=", "jobs", true),
            (parsed.FullyQualifiedNamespace, parsed.Endpoint.Port, parsed.SharedAccessKeyName, parsed.SharedAccessKey, parsed.EntityPath, parsed.UseDevelopmentEmulator));
    }

    [Fact]
    public void A_ready_made_signature_needs_no_key()
    {
        var parsed = ServiceBusConnectionStringProperties.Parse("Endpoint=sb://ns.servicebus.windows.net/;SharedAccessSignature=SharedAccessSignature sr=x&sig=y");
        Assert.Equal("SharedAccessSignature sr=x&sig=y", parsed.SharedAccessSignature);
        Assert.False(parsed.UseDevelopmentEmulator);
    }

    [Theory]
    [InlineData("SharedAccessKeyName=a;SharedAccessKey=secret")]
    [InlineData("Endpoint=nowhere;SharedAccessKeyName=a;SharedAccessKey=secret")]
    [InlineData("Endpoint=sb://host/;SharedAccessKeyName=a")]
    [InlineData("Endpoint=sb://host/;SharedAccessKey=secret")]
    [InlineData("Endpoint=sb://host/;secret")]
    public void What_is_missing_is_said_without_the_secret(string connectionString)
        => Assert.DoesNotContain("secret", Assert.Throws<FormatException>(() => ServiceBusConnectionStringProperties.Parse(connectionString)).Message, StringComparison.Ordinal);
}
