using AiPlatform.IntegrationTests.Platform;
using AiPlatform.IntegrationTests.Servers;
using Xunit.Abstractions;

[assembly: TestCollectionOrderer($"AiPlatform.IntegrationTests.Servers.{nameof(LongestFirst)}", "AiPlatform.IntegrationTests")]

namespace AiPlatform.IntegrationTests.Servers;

/// <summary>Long collections begin first, so that none is left alone at the end; classes that are one of their own fill up what remains.</summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    /// <summary>The names of all collections that are defined.</summary>
    internal static readonly string[] Order =
    [
        PlatformJobsCollection.Name, PlatformCollection.Name, ServiceBusCollection.Name, TaskHubCollection.Name, ServersCollection.Name,
        TrackingCollection.Name, PublishCollection.Name, DataCollection.Name, ComputeCollection.Name, OrchestrationsCollection.Name,
        FunctionsHostCollection.Name,
    ];

    public IEnumerable<ITestCollection> OrderTestCollections(IEnumerable<ITestCollection> testCollections)
        => testCollections.OrderBy(static collection => Place(collection.DisplayName)).ThenBy(static collection => collection.DisplayName, StringComparer.Ordinal);

    private static int Place(string name)
    {
        var place = Array.IndexOf(Order, name);
        return place < 0 ? Order.Length : place;
    }
}
