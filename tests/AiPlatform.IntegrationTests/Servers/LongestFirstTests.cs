namespace AiPlatform.IntegrationTests.Servers;

public sealed class LongestFirstTests
{
    [Fact]
    public void Every_collection_that_is_defined_has_its_place()
    {
        var defined = typeof(LongestFirst).Assembly.GetTypes().SelectMany(static type => type.CustomAttributes)
            .Where(static attribute => attribute.AttributeType == typeof(CollectionDefinitionAttribute)).Select(static attribute => (string)attribute.ConstructorArguments[0].Value!);
        Assert.Equal(defined.Order(StringComparer.Ordinal), LongestFirst.Order.Order(StringComparer.Ordinal));
    }
}
