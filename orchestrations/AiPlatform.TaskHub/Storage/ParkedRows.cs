using Npgsql;
using NpgsqlTypes;

namespace AiPlatform.TaskHub.Storage;

/// <summary>A work item that is not delivered any more, and why.</summary>
internal sealed record ParkedRow(int Hub, string InstanceId, int TaskId, string Reason, DateTime At)
{
    /// <summary>The task id of turns and entity batches.</summary>
    public const int Whole = -1;
}

/// <summary>The statements that write what is parked.</summary>
internal static class ParkedRows
{
    public static void AddTo(NpgsqlBatch batch, IReadOnlyList<Commit> commits)
    {
        foreach (var commit in commits)
        {
            if (commit.Unparked is { } unparked)
            {
                HubOwner.Add(batch, "DELETE FROM parked WHERE hub = $1 AND instance_id = $2", new() { Value = unparked.Hub }, new() { Value = unparked.InstanceId });
            }

            if (commit.Parked is { } row)
            {
                HubOwner.Add(
                    batch,
                    "INSERT INTO parked (hub, instance_id, task_id, reason, parked_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
                    new() { Value = row.Hub },
                    new() { Value = row.InstanceId },
                    new() { Value = row.TaskId },
                    new() { Value = row.Reason },
                    new() { Value = row.At, NpgsqlDbType = NpgsqlDbType.TimestampTz });
            }
        }
    }
}
