namespace AiPlatform.IntegrationTests.FunctionsHost;

/// <summary>A small function app that is not the platform's, under one host for all tests of a class.</summary>
public sealed class SampleAppFixture : IAsyncLifetime
{
    /// <summary>The app's folder.</summary>
    public static string Folder => HostInstance.BuiltFolder("tests", "AiPlatform.SampleFunctions");

    internal HostInstance Host { get; private set; } = null!;

    internal HttpClient Client { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Host = await HostInstance.StartAsync(Folder, options => options.Environment["SAMPLE_SCHEDULE"] = "0 0 0 1 1 *");
        Client = Host.CreateClient();
    }

    public async Task DisposeAsync()
    {
        Client.Dispose();
        await Host.DisposeAsync();
    }
}
