using AiPlatform.Hosting;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using Microsoft.Extensions.Options;

namespace AiPlatform.Kernel.Http;

/// <summary>
/// Refuses addresses that users give for later when they lead into private networks now; whoever calls them decides anew, as names can be
/// pointed elsewhere meanwhile.
/// </summary>
public sealed class OutgoingAddresses(IOptions<OutgoingOptions> options) : IDisposable
{
    /// <summary>Names that one request has looked up: a thousand of them would keep the caller waiting and the resolver busy.</summary>
    private const int MaxNames = 16;

    private readonly GuardedHttp _http = new(options.Value.AllowedPrivateHosts);

    /// <summary>Checks addresses; what is no URL is somebody else's to refuse.</summary>
    /// <exception cref="ApiException">400 <c>invalid_request</c> naming the field.</exception>
    public async Task RequireAsync(IEnumerable<(string? Url, string Field)> addresses, CancellationToken cancellationToken)
    {
        var known = new Dictionary<string, bool>(StringComparer.OrdinalIgnoreCase);
        var names = 0;
        foreach (var (text, field) in addresses)
        {
            if (!Uri.TryCreate(text, UriKind.Absolute, out var url))
            {
                continue;
            }

            if (!known.TryGetValue(url.Host, out var mayCall))
            {
                known[url.Host] = mayCall = (url.HostNameType == UriHostNameType.Dns && ++names > MaxNames) || await _http.MayCallAsync(url, cancellationToken);
            }

            Check.That(mayCall, field, "privateAddress");
        }
    }

    /// <inheritdoc />
    public void Dispose() => _http.Dispose();
}
