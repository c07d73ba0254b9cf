using Npgsql;

namespace AiPlatform.ServiceBusEmulator.Storage;

/// <summary>The broker's tables: numbered steps, forward only, under an advisory lock.</summary>
internal static class Schema
{
    private const long MigrationLock = 0x5342_4d49;

    private static readonly string[] Steps =
    [
        """
        CREATE TABLE broker (epoch bigint NOT NULL, next_id bigint NOT NULL);
        INSERT INTO broker VALUES (0, 1);
        CREATE TABLE queue (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE);
        CREATE TABLE message (
            id bigint PRIMARY KEY,
            enqueued_id bigint NOT NULL,
            queue_id int NOT NULL,
            part smallint NOT NULL,
            state smallint NOT NULL,
            enqueued_at timestamptz NOT NULL,
            visible_at timestamptz,
            expires_at timestamptz,
            delivery_count int NOT NULL,
            annotations bytea,
            payload bytea NOT NULL
        ) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0, autovacuum_vacuum_insert_scale_factor = 1);
        ALTER TABLE message ALTER COLUMN payload SET STORAGE EXTERNAL;
        CREATE INDEX message_order ON message (queue_id, part, id);
        CREATE INDEX message_scheduled ON message (visible_at) WHERE state = 2;
        """,
        """
        ALTER TABLE queue
            ADD COLUMN kind smallint NOT NULL DEFAULT 0,
            ADD COLUMN properties jsonb NOT NULL DEFAULT '{}',
            ADD COLUMN rules jsonb NOT NULL DEFAULT '[]',
            ADD COLUMN is_configured boolean NOT NULL DEFAULT true,
            ADD COLUMN created_at timestamptz NOT NULL DEFAULT now(),
            ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now();
        ALTER TABLE message ADD COLUMN session_id text;
        CREATE INDEX message_session ON message (queue_id, session_id, id) WHERE session_id IS NOT NULL;
        CREATE INDEX message_expiry ON message (expires_at) WHERE expires_at IS NOT NULL;
        CREATE TABLE message_history (queue_id int, message_id text, until timestamptz NOT NULL, PRIMARY KEY (queue_id, message_id));
        CREATE INDEX message_history_until ON message_history (until);
        CREATE TABLE session_state (queue_id int, session_id text, state bytea NOT NULL, updated_at timestamptz NOT NULL, PRIMARY KEY (queue_id, session_id));
        """,
        "ALTER TABLE message ADD COLUMN priority smallint",
    ];

    internal static async Task MigrateAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await ExecuteAsync(connection, $"SELECT pg_advisory_xact_lock({MigrationLock})", cancellationToken);
        await ExecuteAsync(connection, "CREATE TABLE IF NOT EXISTS schema_version (version int PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())", cancellationToken);
        await using var read = new NpgsqlCommand("SELECT COALESCE(max(version), 0) FROM schema_version", connection);
        var version = (int)(await read.ExecuteScalarAsync(cancellationToken))!;
        for (var step = version; step < Steps.Length; step++)
        {
            await ExecuteAsync(connection, Steps[step], cancellationToken);
            await ExecuteAsync(connection, $"INSERT INTO schema_version (version) VALUES ({step + 1})", cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
