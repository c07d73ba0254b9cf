using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using AiPlatform.ServiceBusEmulator.Entities;
using Amqp;
using Amqp.Listener;

namespace AiPlatform.ServiceBusEmulator.Protocol;

/// <summary>What the broker knows of one AMQP connection: its rights, and the links on which it gets answers.</summary>
internal sealed class ConnectionState
{
    private static readonly ConditionalWeakTable<Connection, ConnectionState> States = [];

    private readonly ConcurrentDictionary<string, (DateTimeOffset ExpiresOn, AccessRights Rights)> _grants = new();
    private readonly ConcurrentDictionary<string, ReplyEndpoint> _replies = new(StringComparer.Ordinal);

    private readonly ConcurrentDictionary<(Session Session, string Node), ReplyEndpoint> _repliesOfNodes = new();

    private readonly ConcurrentDictionary<string, Queues.Transaction> _transactions = new(StringComparer.Ordinal);

    /// <summary>Whether the connection proved the key itself and may do everything.</summary>
    internal bool IsTrusted { get; set; }

    /// <summary>The transport under the connection.</summary>
    internal GuardedTransport? Transport { get; set; }

    internal static ConnectionState Of(Connection connection) => States.GetOrCreateValue(connection);

    internal static ConnectionState Of(ListenerLink link) => Of(link.Session.Connection);

    /// <summary>Notes a right; a later token for the same path replaces an earlier one.</summary>
    internal void Grant(string path, DateTimeOffset expiresOn, AccessRights rights = AccessRights.All)
    {
        _grants[path] = (expiresOn, rights);
        Transport?.Admit();
    }

    /// <summary>When the right to do something with an entity ends; null when there is none.</summary>
    /// <param name="path">The entity's address in lower case.</param>
    /// <param name="needed">What is to be done; nothing for being there at all.</param>
    internal DateTimeOffset? RightEnds(string path, AccessRights needed = AccessRights.None)
    {
        if (IsTrusted)
        {
            return DateTimeOffset.MaxValue;
        }

        DateTimeOffset? end = null;
        foreach (var (granted, (expiresOn, rights)) in _grants)
        {
            var covers = (rights & needed) == needed && (granted.Length == 0 || path == granted || (path.StartsWith(granted, StringComparison.Ordinal) && path[granted.Length] == '/'));
            if (covers && (end is null || expiresOn > end))
            {
                end = expiresOn;
            }
        }

        return end;
    }

    internal void AddTransaction(string id, Queues.Transaction transaction) => _transactions[id] = transaction;

    internal Queues.Transaction? FindTransaction(byte[]? id) => id is null ? null : _transactions.GetValueOrDefault(Convert.ToHexString(id));

    internal Queues.Transaction? RemoveTransaction(string id) => _transactions.TryRemove(id, out var transaction) ? transaction : null;

    internal void AddReplies(string name, ReplyEndpoint replies) => _replies[name] = replies;

    internal void AddReplies(Session session, string node, ReplyEndpoint replies) => _repliesOfNodes[(session, node)] = replies;

    internal void RemoveReplies(ReplyEndpoint replies)
    {
        foreach (var pair in _repliesOfNodes)
        {
            if (pair.Value == replies)
            {
                _repliesOfNodes.TryRemove(pair);
            }
        }

        foreach (var pair in _replies)
        {
            if (pair.Value == replies)
            {
                _replies.TryRemove(pair);
            }
        }
    }

    /// <summary>Where the answer to a request goes; null when there is no such link.</summary>
    /// <param name="name">What the request names in its reply-to; null: the link of its session that comes from the node.</param>
    internal ReplyEndpoint? FindReplies(string? name, Session session, string? node)
        => name is not null ? _replies.GetValueOrDefault(name) : node is not null ? _repliesOfNodes.GetValueOrDefault((session, node)) : null;
}
