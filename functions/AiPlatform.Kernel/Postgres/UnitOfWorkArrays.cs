using Npgsql;
using NpgsqlTypes;

namespace AiPlatform.Kernel.Postgres;

/// <summary>Statements over arrays: many rows in one round trip.</summary>
public static class UnitOfWorkArrays
{
    /// <summary>Runs a statement with positional parameters ($1, $2, …), arrays for <c>unnest</c> among them.</summary>
    /// <returns>The rows that it changed.</returns>
    public static async Task<int> InsertManyAsync(this UnitOfWork work, string sql, params (object Value, NpgsqlDbType Type)[] parameters)
    {
        await using var command = new NpgsqlCommand(sql, work.Connection, work.Transaction);
        foreach (var (value, type) in parameters)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value, NpgsqlDbType = type });
        }

        return await command.ExecuteNonQueryAsync(work.Token);
    }
}
