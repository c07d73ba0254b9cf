using System.Text.Json;
using AiPlatform.Functions.Infrastructure;
using AiPlatform.Functions.Triggers;

namespace AiPlatform.Tests.Functions.Core;

/// <summary>The invocation bodies are those that the Functions host sends (shared facts, "Other triggers").</summary>
public sealed class InvocationTests
{
    [Fact]
    public void A_message_encoded_twice_is_read()
    {
        var message = Read("""{"Data":{"msg":"\"{\\\"id\\\":1}\""},"Metadata":{"MessageId":"\"m-1\"","DeliveryCount":"1","id":"1","sys":{}}}""");
        Assert.Equal(new QueueMessage("""{"id":1}""", "m-1", 1), message);
    }

    [Fact]
    public void A_message_encoded_once_is_read()
    {
        var message = Read("""{"Data":{"msg":"{\"id\":1}"},"Metadata":{"MessageId":"m-1","DeliveryCount":3}}""");
        Assert.Equal(new QueueMessage("""{"id":1}""", "m-1", 3), message);
    }

    [Fact]
    public void A_message_that_the_host_parsed_is_read()
        => Assert.Equal("""{"id":1}""", Read("""{"Data":{"msg":{"id":1}},"Metadata":{}}""").Body);

    [Fact]
    public void Text_that_only_looks_encoded_stays_as_it_is()
        => Assert.Equal("\"a\" and \"b\"", Read("""{"Data":{"msg":"\"a\" and \"b\""},"Metadata":{}}""").Body);

    [Fact]
    public void A_property_of_the_message_that_hides_metadata_does_no_harm()
        => Assert.Equal(new QueueMessage("""{"DeliveryCount":"x"}""", null, 1), Read("""{"Data":{"msg":"\"{\\\"DeliveryCount\\\":\\\"x\\\"}\""},"Metadata":{"DeliveryCount":"\"x\""}}"""));

    [Theory]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("""{"Data":{}}""")]
    [InlineData("""{"Data":"msg"}""")]
    public void What_is_no_invocation_is_refused(string body)
        => Assert.Equal("Data", Assert.Throws<ApiException>(() => Read(body)).Field);

    [Fact]
    public void The_result_is_the_full_form_and_never_empty()
        => Assert.Equal(
            """{"Outputs":{},"Logs":[],"ReturnValue":null}""",
            JsonSerializer.Serialize(InvocationResult.Done, AiPlatform.Contracts.ContractsJson.Strict));

    private static QueueMessage Read(string json)
    {
        using var document = JsonDocument.Parse(json);
        return Invocation.ReadMessage(document.RootElement);
    }
}
