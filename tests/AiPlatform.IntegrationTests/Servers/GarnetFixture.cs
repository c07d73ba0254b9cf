using AiPlatform.Local.Servers;

namespace AiPlatform.IntegrationTests.Servers;

/// <summary>One real Garnet (Redis protocol) for all tests of a collection, in this process.</summary>
public sealed class GarnetFixture : IDisposable
{
    public GarnetServer Server { get; } = GarnetServer.Start(0);

    public string ConnectionString => Server.ConnectionString;

    public void Dispose() => Server.Dispose();
}
