using System.Net;
using System.Net.Sockets;

namespace AiPlatform.Local.Servers;

/// <summary>Chooses TCP ports on 127.0.0.1.</summary>
public static class LoopbackPorts
{
    /// <summary>A port that is free now. Another process can take it before it is used.</summary>
    public static int Free() => Free(0);

    /// <summary>Whether nobody listens on the port now.</summary>
    public static bool IsFree(int port)
    {
        try
        {
            return Free(port) == port;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static int Free(int port)
    {
        using var listener = new TcpListener(IPAddress.Loopback, port);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
