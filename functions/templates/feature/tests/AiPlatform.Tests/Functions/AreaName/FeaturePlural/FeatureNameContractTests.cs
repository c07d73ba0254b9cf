using System.Text.Json;
using AiPlatform.AreaName.FeaturePlural;
using AiPlatform.Contracts;
using AiPlatform.Contracts.FeaturePlural;

namespace AiPlatform.Tests.Functions.AreaName.FeaturePlural;

public sealed class FeatureNameContractTests
{
    [Fact]
    public void A_row_tells_all_that_it_has()
    {
        var row = new FeatureNameRow
        {
            Id = "i", ProjectId = "p", Name = "n", Description = "d", CreatedBy = "c", Version = 3, CreatedAt = DateTimeOffset.UnixEpoch, UpdatedAt = DateTimeOffset.UnixEpoch.AddDays(1),
        };
        Assert.Equal(new FeatureName("i", "p", "n", "d", "c", 3, DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddDays(1)), row.ToContract());
    }

    [Theory]
    [InlineData("""{"description": "d"}""")]
    [InlineData("""{"name": "n", "colour": "red"}""")]
    [InlineData("""{"name": 1}""")]
    public void A_request_that_is_not_one_is_refused(string json)
        => Assert.ThrowsAny<JsonException>(() => JsonSerializer.Deserialize<CreateFeatureNameRequest>(json, ContractsJson.Strict));

    [Fact]
    public void What_a_change_does_not_name_is_left_as_it_is()
        => Assert.Equal(new UpdateFeatureNameRequest(Description: "d"), JsonSerializer.Deserialize<UpdateFeatureNameRequest>("""{"description": "d"}""", ContractsJson.Strict));
}
