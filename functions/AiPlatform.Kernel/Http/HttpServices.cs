using System.Net;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.Options;
using IPNetwork = System.Net.IPNetwork;

namespace AiPlatform.Kernel.Http;

/// <summary>Proxies in front of the app, and the address under which it is reached.</summary>
public static class HttpServices
{
    /// <summary>Registers them.</summary>
    public static IServiceCollection AddPublicAddress(this IServiceCollection services)
    {
        services.AddOptions<HttpOptions>().BindConfiguration("Http")
            .Validate(static options => options.PublicUrl is null or { IsAbsoluteUri: true, Scheme: "http" or "https" }, "Http:PublicUrl must be an absolute http or https URL.")
            .Validate(static options => Array.TrueForAll(options.TrustedProxies, static text => IPNetwork.TryParse(Network(text), out _)), "Http:TrustedProxies must be addresses or networks.")
            .ValidateOnStart();
        services.AddOptions<ForwardedHeadersOptions>().Configure<IOptions<HttpOptions>>(static (forwarded, options) =>
        {
            forwarded.KnownIPNetworks.Clear();
            forwarded.KnownProxies.Clear();
            foreach (var proxy in options.Value.TrustedProxies)
            {
                forwarded.KnownIPNetworks.Add(IPNetwork.Parse(Network(proxy)));
            }

            // Without a known proxy the middleware would believe everybody.
            forwarded.ForwardedHeaders = options.Value.TrustedProxies.Length > 0 ? ForwardedHeaders.All : ForwardedHeaders.None;
        });
        return services.AddSingleton<PublicAddress>();
    }

    private static string Network(string text)
        => text.Contains('/', StringComparison.Ordinal) || !IPAddress.TryParse(text, out var address) ? text : $"{text}/{(address.GetAddressBytes().Length * 8)}";
}
