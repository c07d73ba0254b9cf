using System.Net.Sockets;

namespace AiPlatform.ServiceBusEmulator.Protocol;

/// <summary>
/// The connections that have shown no key and no token yet. There are at most so many: a further one ends the oldest, so that nobody without a
/// credential can take all descriptors, and a client that logs in, which takes a moment, is not kept out by those who do not.
/// </summary>
/// <param name="most">So many.</param>
internal sealed class Strangers(int most)
{
    private readonly Lock _lock = new();
    private readonly LinkedList<Socket> _waiting = [];
    private readonly Dictionary<Socket, LinkedListNode<Socket>> _places = [];

    /// <summary>Notes a connection that has come.</summary>
    internal void Came(Socket socket)
    {
        Socket? oldest = null;
        lock (_lock)
        {
            _places[socket] = _waiting.AddLast(socket);
            if (_waiting.Count > most)
            {
                oldest = _waiting.First!.Value;
                Remove(oldest);
            }
        }

        // Its own reads and writes fail then, and it is cleared away as one whose client has gone.
        oldest?.Dispose();
    }

    /// <summary>It is a stranger no more, or is gone.</summary>
    internal void Left(Socket? socket)
    {
        if (socket is not null)
        {
            lock (_lock)
            {
                Remove(socket);
            }
        }
    }

    private void Remove(Socket socket)
    {
        if (_places.Remove(socket, out var place))
        {
            _waiting.Remove(place);
        }
    }
}
