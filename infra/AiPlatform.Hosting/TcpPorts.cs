using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace AiPlatform.Hosting;

/// <summary>Chooses TCP ports for servers of this machine.</summary>
public static class TcpPorts
{
    // Below the ports that the systems give to outgoing connections (from 32768 on Linux, from 49152 elsewhere), so that no
    // connection takes a port between the choice and the use, or while its server is started again.
    private const int First = 16_384;
    private const int AfterLast = 32_768;
    private const int Tries = 1_000;

    // A server that was given its port and has not opened it yet must not find it taken by the next one of this process.
    private static readonly ConcurrentDictionary<int, bool> Given = new();

    /// <summary>A port that is free now, chosen by chance, and never given by this process before. A server of another process can take it before it is used.</summary>
    /// <exception cref="InvalidOperationException">No port was found.</exception>
    public static int Free()
    {
        for (var attempt = 0; attempt < Tries; attempt++)
        {
            var port = Random.Shared.Next(First, AfterLast);
            if (!Given.ContainsKey(port) && IsFree(port) && Given.TryAdd(port, true))
            {
                return port;
            }
        }

        throw new InvalidOperationException($"None of {Tries} TCP ports from {First} to {AfterLast - 1} was free.");
    }

    /// <summary>Whether nobody listens on the port now, on any address.</summary>
    public static bool IsFree(int port)
    {
        using var listener = new TcpListener(IPAddress.Any, port);
        try
        {
            listener.Start();
            return true;
        }
        catch (SocketException exception) when (exception.SocketErrorCode is SocketError.AddressAlreadyInUse or SocketError.AccessDenied)
        {
            return false;
        }
    }
}
