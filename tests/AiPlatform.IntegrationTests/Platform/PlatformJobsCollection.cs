namespace AiPlatform.IntegrationTests.Platform;

/// <summary>Tests that start a whole platform for jobs and tasks; with <see cref="PlatformCollection"/> there are never more than two platforms.</summary>
[CollectionDefinition(Name)]
public sealed class PlatformJobsCollection
{
    public const string Name = "platform jobs";
}
