using System.Net;
using Microsoft.Extensions.Options;

namespace AiPlatform.Kernel.Http;

/// <summary>
/// How URLs in answers begin. A <c>Host</c> header is the caller's word: it is repeated only when it is known, so that nobody can make
/// the platform hand out links to another server.
/// </summary>
public sealed class PublicAddress(IOptions<HttpOptions> options)
{
    /// <summary>Scheme, host and base path, without a slash at the end.</summary>
    public string Base(HttpRequest request)
    {
        if (options.Value.PublicUrl is { } configured)
        {
            return configured.GetLeftPart(UriPartial.Path).TrimEnd('/');
        }

        var connection = request.HttpContext.Connection;
        var host = IsKnown(request.Host, connection.LocalIpAddress) ? request.Host.ToUriComponent() : Local(connection);
        return $"{request.Scheme}://{host}{request.PathBase}";
    }

    /// <summary>As <see cref="Base"/>, for code that has the request only.</summary>
    public static string Of(HttpRequest request) => request.HttpContext.RequestServices.GetRequiredService<PublicAddress>().Base(request);

    private bool IsKnown(HostString host, IPAddress? local)
    {
        var name = host.Host.Trim('[', ']');
        return name.Equals("localhost", StringComparison.OrdinalIgnoreCase)
            || (IPAddress.TryParse(name, out var address) && (IPAddress.IsLoopback(address) || address.Equals(Plain(local))))
            || Array.Exists(options.Value.AllowedHosts, allowed => allowed.StartsWith("*.", StringComparison.Ordinal)
                ? name.EndsWith(allowed[1..], StringComparison.OrdinalIgnoreCase)
                : name.Equals(allowed, StringComparison.OrdinalIgnoreCase));
    }

    private static IPAddress? Plain(IPAddress? address) => address is { IsIPv4MappedToIPv6: true } ? address.MapToIPv4() : address;

    private static string Local(ConnectionInfo connection)
        => new HostString(Plain(connection.LocalIpAddress)?.ToString() ?? "localhost", connection.LocalPort).ToUriComponent();
}
