using System.Net.Http.Headers;
using AiPlatform.Functions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;

namespace AiPlatform.IntegrationTests.Functions;

/// <summary>One instance of the functions app in this process, on a free port.</summary>
public sealed class FunctionsInstance : IAsyncDisposable
{
    private readonly WebApplication _app;

    private FunctionsInstance(WebApplication app)
    {
        _app = app;
        Address = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
    }

    /// <summary>Where it listens.</summary>
    public Uri Address { get; }

    /// <summary>The app's services.</summary>
    public IServiceProvider Services => _app.Services;

    /// <summary>Starts an instance and, unless told otherwise, waits until it is ready.</summary>
    public static async Task<FunctionsInstance> StartAsync(IReadOnlyDictionary<string, string?> settings, bool waitUntilReady = true, Action<WebApplicationBuilder>? configure = null)
    {
        var app = FunctionsApp.Build([.. settings.Where(static pair => pair.Value is not null).Select(static pair => $"--{pair.Key}={pair.Value}")], configure);
        await app.StartAsync();
        var instance = new FunctionsInstance(app);
        if (waitUntilReady)
        {
            using var client = instance.CreateClient();
            await Eventually.TrueAsync(async () => (await client.GetAsync("/health/ready")).IsSuccessStatusCode, "the functions app is ready");
        }

        return instance;
    }

    /// <summary>A client of this instance, with a token when one is given.</summary>
    public HttpClient CreateClient(string? token = null) => CreateClient(Address, token);

    /// <summary>A client of an app at an address, with a token when one is given.</summary>
    public static HttpClient CreateClient(Uri address, string? token)
    {
        var client = new HttpClient { BaseAddress = address, Timeout = TimeSpan.FromSeconds(60) };
        if (token is not null)
        {
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }

        return client;
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}
