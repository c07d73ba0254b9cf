using AiPlatform.Registry.Webhooks;

namespace AiPlatform.Tests.Functions.Registry;

public sealed class WebhookSignatureTests
{
    // Computed with openssl dgst -sha256 -hmac.
    [Fact]
    public void A_signature_is_version_one_of_the_hmac_of_id_time_and_body()
        => Assert.Equal("v1,xNlSYJ77uI+sVM7nyJPA2eQWtUBZhiURjpbI/2q392I=", WebhookSender.Sign("whsec", "msg_1", "1700000000", """{"a":1}"""));

    [Fact]
    public void A_body_names_entity_and_action()
        => Assert.Equal(
            """{"entity":"model_version_tag","action":"set","timestamp":"2026-05-01T12:00:00.0000000+00:00","data":{"key":"k"}}""",
            WebhookEvents.Body(WebhookEvents.VersionTagSet, new { key = "k" }, new DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero)));
}
