using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Experiments;

namespace AiPlatform.Tests.Contracts;

public sealed class OptionalParameterTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_record_written_without_its_nulls_is_read_back(bool strict)
    {
        var options = strict ? ContractsJson.Strict : ContractsJson.Tolerant;
        var artifact = new Artifact("a", 1, "x", ArtifactKind.Model, null, null, null, DateTimeOffset.UnixEpoch);
        Assert.Equal(artifact, JsonSerializer.Deserialize<Artifact>(JsonSerializer.Serialize(artifact, ContractsJson.Strict), options));
    }

    [Fact]
    public void A_parameter_that_may_not_be_null_stays_required()
        => Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<Artifact>("{\"path\":\"a\"}", ContractsJson.Strict));
}
