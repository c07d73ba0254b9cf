using Dapper;

namespace AiPlatform.Tracking.Search;

/// <summary>What a search of runs asks for.</summary>
/// <param name="View">Which of active and deleted runs.</param>
/// <param name="Filter">Clauses that must all hold.</param>
/// <param name="Order">Columns to order by; where they are equal the youngest runs come first, then the smaller id.</param>
internal sealed record RunQuery(LifecycleView View, IReadOnlyList<Comparison> Filter, IReadOnlyList<Ordering> Order)
{
    /// <summary>The statement that answers it in the database, where summaries have to be folded before.</summary>
    /// <param name="columns">What to select of runs (<c>r</c>) and their experiments (<c>e</c>).</param>
    public CommandDefinition ToCommand(string columns, string projectId, string[] experimentIds, int limit, int offset, CancellationToken cancellationToken)
    {
        var sql = new SearchSql(RunColumns.Sql).Filter(Filter).OrderBy(Order);
        sql.Parameters.Add("project", projectId);
        sql.Parameters.Add("experiments", experimentIds);
        sql.Parameters.Add("limit", limit);
        sql.Parameters.Add("offset", offset);
        return new CommandDefinition(
            $"""
            SELECT {columns} FROM runs r JOIN experiments e ON e.id = r.experiment_id{sql.Joins}
            WHERE r.experiment_id = ANY(@experiments) AND r.project_id = @project AND r.purged_at IS NULL{View.Sql("r.deleted_at")}{sql.Where}
            ORDER BY {sql.Order}r.started_at DESC NULLS LAST, r.id LIMIT @limit OFFSET @offset
            """,
            sql.Parameters,
            cancellationToken: cancellationToken);
    }
}
