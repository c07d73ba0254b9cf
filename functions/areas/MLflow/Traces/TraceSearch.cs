using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.MLflow;
using AiPlatform.Tracking.Experiments;
using Dapper;
using Npgsql;

namespace AiPlatform.MLflow.Traces;

/// <summary>How many traces match two filters, each alone and both.</summary>
internal sealed record TraceCounts
{
    public long Total { get; init; }

    public long First { get; init; }

    public long Second { get; init; }

    public long Joint { get; init; }
}

/// <summary>Searches traces of experiments.</summary>
internal sealed class TraceSearch(Database database, ExperimentDirectory experiments)
{
    private const int MaxExperiments = 1_000;

    /// <summary>Traces that match a filter.</summary>
    /// <param name="experimentIds">As clients know them.</param>
    public async Task<IReadOnlyList<TraceRow>> FindAsync(
        TraceScope scope, IReadOnlyList<string> experimentIds, string? filter, IEnumerable<string> order, int limit, int offset, CancellationToken cancellationToken)
    {
        var sql = new TraceSql();
        var where = sql.Filter(filter);
        var orderBy = sql.Order(order);
        sql.Parameters.Add("limit", limit);
        sql.Parameters.Add("offset", offset);
        return await QueryAsync<TraceRow>(
            $"""
            SELECT {TraceRow.Columns} FROM traces t WHERE {TraceScope.Sql} AND t.experiment_id = ANY(@experiments) AND {where}
            ORDER BY {orderBy} LIMIT @limit OFFSET @offset
            """,
            sql,
            scope,
            experimentIds,
            cancellationToken);
    }

    /// <summary>Counts for the correlation of two filters.</summary>
    public async Task<TraceCounts> CountAsync(
        TraceScope scope, IReadOnlyList<string> experimentIds, string first, string second, string? within, CancellationToken cancellationToken)
    {
        var sql = new TraceSql();
        var (a, b, all) = (sql.Filter(first), sql.Filter(second), sql.Filter(within));
        return (await QueryAsync<TraceCounts>(
            $"""
            SELECT count(*) AS total, count(*) FILTER (WHERE {a}) AS first, count(*) FILTER (WHERE {b}) AS second, count(*) FILTER (WHERE {a} AND {b}) AS joint
            FROM traces t WHERE {TraceScope.Sql} AND t.experiment_id = ANY(@experiments) AND {all}
            """,
            sql,
            scope,
            experimentIds,
            cancellationToken)).Single();
    }

    private async Task<List<T>> QueryAsync<T>(string text, TraceSql sql, TraceScope scope, IReadOnlyList<string> experimentIds, CancellationToken cancellationToken)
    {
        if (experimentIds.Count > MaxExperiments)
        {
            throw MLflowException.Invalid($"At most {MaxExperiments} experiments can be searched. Got {experimentIds.Count}.");
        }

        sql.Parameters.Add("project", scope.ProjectId);
        sql.Parameters.Add("author", scope.Author);
        sql.Parameters.Add("experiments", await experiments.ResolveAsync(scope.ProjectId, experimentIds, cancellationToken));
        try
        {
            await using var connection = await database.OpenAsync(cancellationToken);
            return (await connection.QueryAsync<T>(new CommandDefinition(text, sql.Parameters, cancellationToken: cancellationToken))).AsList();
        }
        catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.InvalidRegularExpression)
        {
            throw MLflowException.Invalid($"Invalid regular expression in filter string: {exception.MessageText}");
        }
    }
}
