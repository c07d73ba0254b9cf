using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Options;

namespace AiPlatform.Orchestrations.Tasks;

/// <summary>
/// The client for URLs that users give. It connects to public addresses only, decided on the address that is connected to, so that
/// neither a name that resolves inwards nor one that changes its mind gets through; it follows no redirects and uses no proxy.
/// </summary>
internal sealed class GuardedHttp : IDisposable
{
    private static readonly IPNetwork[] Private =
    [
        .. new[]
        {
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.168.0.0/16",
            "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
            "::/127", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "fc00::/7", "fe80::/10", "ff00::/8",
        }.Select(static text => IPNetwork.Parse(text)),
    ];

    private readonly HashSet<string> _allowed;

    public GuardedHttp(IOptions<TaskWorkerSettings> settings)
    {
        _allowed = settings.Value.AllowedPrivateHosts.ToHashSet(StringComparer.OrdinalIgnoreCase);
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
            Timeout = Timeout.InfiniteTimeSpan, // The attempt's own timeout rules.
        };
    }

    /// <summary>The client.</summary>
    public HttpClient Client { get; }

    /// <summary>Whether an address leads into a network that is not public.</summary>
    public static bool IsPrivate(IPAddress address)
    {
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return Array.Exists(Private, network => network.BaseAddress.AddressFamily == plain.AddressFamily && network.Contains(plain));
    }

    public void Dispose() => Client.Dispose();

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var host = context.DnsEndPoint.Host;
        var addresses = await Dns.GetHostAddressesAsync(host, cancellationToken);
        var usable = _allowed.Contains(host) ? addresses : Array.FindAll(addresses, static address => !IsPrivate(address));
        if (usable.Length == 0)
        {
            throw new ForbiddenAddressException($"{host} leads into a private network, which tasks may not call.");
        }

        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(usable, context.DnsEndPoint.Port, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}

/// <summary>A URL leads where tasks may not go.</summary>
internal sealed class ForbiddenAddressException(string message) : Exception(message);
