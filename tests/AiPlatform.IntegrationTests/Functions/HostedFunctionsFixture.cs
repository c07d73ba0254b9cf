using AiPlatform.IntegrationTests.FunctionsHost;
using AiPlatform.IntegrationTests.Servers;

namespace AiPlatform.IntegrationTests.Functions;

/// <summary>
/// As <see cref="FunctionsFixture"/>, with every request going through the embedded Functions host to a worker process of the app, as on
/// Azure. The instance in this process, on the same database, gives tests its services.
/// </summary>
public sealed class HostedFunctionsFixture(PostgresFixture postgres, AzuriteFixture azurite, GarnetFixture garnet)
    : FunctionsFixture(postgres, azurite, garnet)
{
    private HostInstance? _host;

    /// <inheritdoc />
    public override Uri Address => _host!.Address;

    /// <inheritdoc />
    public override async Task InitializeAsync()
    {
        await base.InitializeAsync();
        _host = await HostInstance.StartAsync(HostInstance.BuiltFolder("functions", "AiPlatform.Functions"), options =>
        {
            foreach (var (name, value) in Settings.Where(static setting => setting.Key != "urls" && setting.Value is not null))
            {
                options.Environment[name.Replace(":", "__", StringComparison.Ordinal)] = value!;
            }
        });
        using var client = _host.CreateClient();
        await Eventually.TrueAsync(async () => (await client.GetAsync("/health/ready")).IsSuccessStatusCode, "the app is ready through the host", TimeSpan.FromMinutes(3));
    }

    /// <inheritdoc />
    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        if (_host is not null)
        {
            await _host.DisposeAsync();
        }
    }
}
