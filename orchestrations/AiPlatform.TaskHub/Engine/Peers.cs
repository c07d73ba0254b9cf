using System.Collections.Concurrent;
using AiPlatform.TaskHub.Protobuf;
using AiPlatform.TaskHub.Storage;
using Grpc.Core;
using Grpc.Net.Client;

namespace AiPlatform.TaskHub.Engine;

/// <summary>The other processes that share the database: which of them owns what, and clients to call them with.</summary>
internal sealed class Peers : IDisposable
{
    /// <summary>Marks calls of one process to another, and says how often they were passed on.</summary>
    public const string ForwardedHeader = "x-aip-forwarded";

    private readonly ConcurrentDictionary<string, GrpcChannel> _channels = new(StringComparer.Ordinal);
    private volatile HubMembership _membership = new([], []);
    private volatile string[] _others = [];

    /// <summary>Addresses of the other processes that own partitions.</summary>
    public IReadOnlyList<string> Others => _others;

    /// <summary>Whether every partition has an owner that lives.</summary>
    public bool IsComplete => _membership.Owners is { Count: > 0 } owners && owners.All(owner => owner is not null);

    /// <summary>Takes note of who lives and who owns what.</summary>
    public void Update(HubMembership membership, string self)
    {
        _membership = membership;
        _others = [.. membership.Owners.Where(owner => owner is { } known && known.Process != self).Select(owner => owner!.Value.Address).Distinct(StringComparer.Ordinal)];
        foreach (var (address, channel) in _channels)
        {
            if (!_others.Contains(address, StringComparer.Ordinal) && _channels.TryRemove(address, out _))
            {
                channel.Dispose();
            }
        }
    }

    /// <summary>The address of a partition's owner, if that is another process that is known.</summary>
    public string? AddressOf(int partition)
        => _membership.Owners.ElementAtOrDefault(partition) is { } owner && _others.Contains(owner.Address, StringComparer.Ordinal) ? owner.Address : null;

    /// <summary>The headers of a call of this process's own.</summary>
    public static Metadata Headers(string bearerToken) => new() { { ForwardedHeader, "1" }, { "authorization", "Bearer " + bearerToken } };

    /// <summary>A client of the process at an address.</summary>
    public TaskHubSidecarService.TaskHubSidecarServiceClient At(string address) => new(_channels.GetOrAdd(address, static at => GrpcChannel.ForAddress(at, new()
    {
        MaxReceiveMessageSize = null,
        MaxSendMessageSize = null,
        HttpHandler = new SocketsHttpHandler { EnableMultipleHttp2Connections = true, KeepAlivePingDelay = TimeSpan.FromSeconds(10), KeepAlivePingTimeout = TimeSpan.FromSeconds(5) },
    })));

    /// <summary>How often a call was passed on already.</summary>
    public static int Hops(ServerCallContext context) => context.GetHttpContext().Request.Headers.TryGetValue(ForwardedHeader, out var value) && int.TryParse(value, out var hops) ? hops : 0;

    /// <summary>The call options of a call that is passed on: the caller's hub, token, patience and end.</summary>
    public static CallOptions Forward(ServerCallContext context)
    {
        var headers = new Metadata { { ForwardedHeader, $"{Hops(context) + 1}" } };
        foreach (var name in (ReadOnlySpan<string>)["taskhub", "authorization", "workerid"])
        {
            if (context.RequestHeaders.GetValue(name) is { } value)
            {
                headers.Add(name, value);
            }
        }

        return new CallOptions(headers, context.Deadline == DateTime.MaxValue ? null : context.Deadline, context.CancellationToken);
    }

    public void Dispose()
    {
        foreach (var channel in _channels.Values)
        {
            channel.Dispose();
        }
    }
}
