using System.Net.Sockets;
using AiPlatform.Hosting;

namespace AiPlatform.Local.Servers;

/// <summary>
/// Keeps a TCP port for this process among all platforms on the machine, also before its server listens and while the server
/// is started again. The reservation is a name in Linux's abstract socket namespace (unix(7)): it needs no file and ends with
/// the process, however that ends.
/// </summary>
internal sealed class PortReservation : IDisposable
{
    private readonly Socket _socket;

    private PortReservation(int port, Socket socket)
    {
        Port = port;
        _socket = socket;
    }

    public int Port { get; }

    /// <summary>Reserves the preferred port when it is free and nobody else's, else another.</summary>
    public static PortReservation Take(int preferred)
        => TcpPorts.IsFree(preferred) && TryTake(preferred) is { } taken ? taken : TakeAny();

    /// <summary>Reserves a free port.</summary>
    public static PortReservation TakeAny()
    {
        while (true)
        {
            if (TryTake(TcpPorts.Free()) is { } taken)
            {
                return taken;
            }
        }
    }

    public void Dispose() => _socket.Dispose();

    private static PortReservation? TryTake(int port)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Bind(new UnixDomainSocketEndPoint($"\0aiplatform-port-{port}"));
            return new PortReservation(port, socket);
        }
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            socket.Dispose();
            return null;
        }
    }
}
