using Npgsql;
using NpgsqlTypes;

namespace AiPlatform.TaskHub.Storage;

/// <summary>A message to an instance or entity of another partition.</summary>
internal sealed record MessageRow(long Id, int Partition, int Hub, string Target, string? ExecutionId, long? SenderKey, byte[] Payload);

/// <summary>The statements that write and remove messages between partitions.</summary>
internal static class MessageRows
{
    public static void AddTo(NpgsqlBatch batch, IReadOnlyList<Commit> commits)
    {
        var done = Commit.MessagesDoneOf(commits);
        if (done.Length > 0)
        {
            HubOwner.Add(batch, "DELETE FROM messages WHERE id = ANY ($1)", HubOwner.Array(NpgsqlDbType.Bigint, done));
        }

        var rows = Commit.MessagesOf(commits);
        if (rows.Length > 0)
        {
            HubOwner.Add(
                batch,
                "INSERT INTO messages (id, partition, hub, target, execution_id, sender_key, payload) SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7)",
                HubOwner.Array(NpgsqlDbType.Bigint, Array.ConvertAll(rows, row => row.Id)),
                HubOwner.Array(NpgsqlDbType.Smallint, Array.ConvertAll(rows, row => (short)row.Partition)),
                HubOwner.Array(NpgsqlDbType.Integer, Array.ConvertAll(rows, row => row.Hub)),
                HubOwner.Array(NpgsqlDbType.Text, Array.ConvertAll(rows, row => row.Target)),
                HubOwner.Array(NpgsqlDbType.Text, Array.ConvertAll(rows, row => row.ExecutionId)),
                HubOwner.Array(NpgsqlDbType.Bigint, Array.ConvertAll(rows, row => row.SenderKey)),
                HubOwner.Array(NpgsqlDbType.Bytea, Array.ConvertAll(rows, row => row.Payload)));
        }
    }
}
