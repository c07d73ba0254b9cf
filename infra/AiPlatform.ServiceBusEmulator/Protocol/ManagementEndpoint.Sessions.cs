using AiPlatform.ServiceBusEmulator.Queues;
using AiPlatform.ServiceBusEmulator.Storage;
using Amqp;
using Amqp.Framing;
using Amqp.Types;

namespace AiPlatform.ServiceBusEmulator.Protocol;

internal sealed partial class ManagementEndpoint
{
    private const int MaxSessions = 100;
    private const int MaxSessionState = 1024 * 1024;

    private const string WriteSessionState = """
        INSERT INTO session_state (queue_id, session_id, state, updated_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (queue_id, session_id) DO UPDATE SET state = $3, updated_at = $4
        """;

    private const string ClearSessionState = "DELETE FROM session_state WHERE queue_id = $1 AND session_id = $2";

    private SessionRegistry Sessions => Queue.Entity.Sessions ?? throw new FormatException("The entity has no sessions.");

    private SessionHold? Held(Map body) => Sessions.Find((string)body[SessionIdKey]) is { IsLost: false } hold ? hold : null;

    private Reply RenewSessionLock(Map body)
        => Held(body) is { } hold && Sessions.Renew(hold) is { } expiration
            ? Ok with { Body = new Map { ["expiration"] = expiration } }
            : SessionLost;

    private async Task<Reply> SetSessionStateAsync(Map body)
    {
        if (Held(body) is not { } hold)
        {
            return SessionLost;
        }

        var value = body["session-state"] as byte[];
        if (value?.Length > MaxSessionState)
        {
            return new Reply(413, $"A session's state has at most {MaxSessionState} bytes.", ErrorCode.MessageSizeExceeded);
        }

        await broker.Writer.WriteAsync(value is null
            ? new StatementOperation(ClearSessionState, entity.Id, hold.Id)
            : new StatementOperation(WriteSessionState, entity.Id, hold.Id, value, time.GetUtcNow().UtcDateTime));
        return Ok;
    }

    private async Task<Reply> GetSessionStateAsync(Map body)
        => Held(body) is { } hold
            ? Ok with { Body = new Map { ["session-state"] = await broker.Store.ReadSessionStateAsync(entity.Id, hold.Id, CancellationToken.None) } }
            : SessionLost;

    private async Task<Reply> ListSessionsAsync(Map body)
    {
        _ = Sessions;
        var skip = Math.Max(0, Number(body["skip"], 0));
        var sessions = await broker.Store.ReadSessionsAsync(entity.Id, [], Math.Clamp(Number(body["top"], MaxSessions), 1, MaxSessions), skip, CancellationToken.None);
        return sessions.Count == 0
            ? NoContent
            : Ok with { Body = new Map { ["skip"] = skip + sessions.Count, ["sessions-ids"] = sessions.ToArray() } };
    }
}
