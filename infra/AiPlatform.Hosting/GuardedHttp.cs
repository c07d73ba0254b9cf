using System.Net;
using System.Net.Http;
using System.Net.Sockets;

namespace AiPlatform.Hosting;

/// <summary>
/// The client for URLs that users give. It connects to public addresses only, decided on the address that is connected to, so that
/// neither a name that resolves inwards nor one that changes its mind gets through; it follows no redirects, keeps no cookies and uses
/// no proxy. A refused address is an <see cref="HttpRequestException"/> around a <see cref="ForbiddenAddressException"/>.
/// </summary>
public sealed class GuardedHttp : IDisposable
{
    // One address looks public: that of the host in each virtual machine of Azure.
    private static readonly IPNetwork[] Private =
    [
        .. new[]
        {
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
            "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
            "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
        }.Select(static text => IPNetwork.Parse(text)),
    ];

    private static readonly TimeSpan ResolvePatience = TimeSpan.FromSeconds(3);

    private readonly HashSet<string> _allowed;

    /// <param name="allowedPrivateHosts">Hosts (names or addresses, as in the URL) that may be called although they lead into private networks.</param>
    public GuardedHttp(IEnumerable<string> allowedPrivateHosts)
    {
        _allowed = allowedPrivateHosts.ToHashSet(StringComparer.OrdinalIgnoreCase);
        Client = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            ConnectTimeout = TimeSpan.FromSeconds(15),
            PooledConnectionLifetime = TimeSpan.FromMinutes(2),
            ConnectCallback = ConnectAsync,
        })
        {
            Timeout = Timeout.InfiniteTimeSpan, // The caller's token rules.
        };
    }

    /// <summary>The client; it has no timeout of its own.</summary>
    public HttpClient Client { get; }

    /// <summary>Whether an address leads into a network that is not public.</summary>
    public static bool IsPrivate(IPAddress address)
    {
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return Array.Exists(Private, network => network.BaseAddress.AddressFamily == plain.AddressFamily && network.Contains(plain));
    }

    /// <summary>
    /// Whether a URL may be kept to be called later: false when its host leads into a private network now. A name that cannot be resolved
    /// is let through, for each call decides anew.
    /// </summary>
    public async Task<bool> MayCallAsync(Uri url, CancellationToken cancellationToken)
    {
        var host = url.IdnHost.Trim('[', ']');
        if (_allowed.Contains(host) || _allowed.Contains(url.Host))
        {
            return true;
        }

        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(ResolvePatience);
        try
        {
            return (await AddressesAsync(host, patience.Token).ConfigureAwait(false)).Any(static address => !IsPrivate(address));
        }
        catch (Exception exception) when (exception is SocketException || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return true;
        }
        catch (ArgumentException)
        {
            // The resolver throws for the unspecified addresses, which lead to this machine.
            return false;
        }
    }

    /// <inheritdoc />
    public void Dispose() => Client.Dispose();

    private static async Task<IPAddress[]> AddressesAsync(string host, CancellationToken cancellationToken)
        => IPAddress.TryParse(host, out var literal) ? [literal] : await Dns.GetHostAddressesAsync(host, cancellationToken).ConfigureAwait(false);

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var host = context.DnsEndPoint.Host;
        // The resolver throws for the unspecified addresses, which lead to this machine.
        var addresses = await AddressesAsync(host, cancellationToken).ConfigureAwait(false);
        var usable = _allowed.Contains(host) ? addresses : Array.FindAll(addresses, static address => !IsPrivate(address));
        if (usable.Length == 0)
        {
            throw new ForbiddenAddressException($"{host} leads into a private network, which must not be called.");
        }

        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(usable, context.DnsEndPoint.Port, cancellationToken).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
