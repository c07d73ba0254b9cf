namespace AiPlatform.IntegrationTests.Platform;

/// <summary>Tests that start a whole platform run one after another, beside the tests that share servers: most of their time is waiting.</summary>
[CollectionDefinition(Name)]
public sealed class PlatformCollection
{
    public const string Name = "platform";
}
