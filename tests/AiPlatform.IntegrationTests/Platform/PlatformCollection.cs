namespace AiPlatform.IntegrationTests.Platform;

/// <summary>Tests that start a whole platform and end parts of it. They run one after another, beside the others: most of their time is waiting.</summary>
[CollectionDefinition(Name)]
public sealed class PlatformCollection
{
    public const string Name = "platform";
}
