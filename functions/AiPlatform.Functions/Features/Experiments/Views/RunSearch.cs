using System.Globalization;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Functions.Features.Experiments.Metrics;
using AiPlatform.Functions.Infrastructure;
using AiPlatform.Functions.MLflow.Http;
using AiPlatform.Functions.MLflow.Search;
using AiPlatform.Functions.MLflow.Tracking;
using Dapper;

namespace AiPlatform.Functions.Features.Experiments.Views;

/// <summary>Searches runs natively, in the grammar that MLflow's users know.</summary>
internal sealed class RunSearch(Database database, RunStore runs, MetricSummaries summaries)
{
    private const int MaxOffset = 1_000_000;

    /// <summary>Checks a filter and an order.</summary>
    /// <param name="prefix">What stands before the fields' names in the request.</param>
    /// <exception cref="ApiException">400 naming the field, with what the grammar says.</exception>
    public static SearchSql Parse(string? filter, IReadOnlyList<string>? orderBy, string prefix = "")
    {
        var sql = new SearchSql(RunColumns.Sql);
        Grammar($"{prefix}filter", () => sql.Filter(FilterParser.Parse(filter, SearchDialect.Runs)));
        Grammar($"{prefix}orderBy", () => sql.OrderBy(FilterParser.Order(orderBy ?? [], SearchDialect.Runs)));
        return sql;
    }

    /// <summary>A page of the live runs that a search finds; without an order the youngest come first.</summary>
    /// <param name="experiments">Null for all of the project.</param>
    public async Task<Page<Run>> SearchAsync(string projectId, string[]? experiments, SearchSql sql, PageRequest page, CancellationToken cancellationToken)
    {
        var offset = Offset(page.Key());
        await using (var connection = await database.OpenAsync(cancellationToken))
        {
            experiments ??= [.. await connection.QueryAsync<string>(new CommandDefinition(
                "SELECT id FROM experiments WHERE project_id = @projectId AND deleted_at IS NULL", new { projectId }, cancellationToken: cancellationToken))];
        }

        await summaries.EnsureExperimentsAsync(experiments, cancellationToken);
        sql.Parameters.Add("project", projectId);
        sql.Parameters.Add("experiments", experiments);
        sql.Parameters.Add("limit", page.Size + 1);
        sql.Parameters.Add("offset", offset);
        List<RunRow> rows;
        await using (var connection = await database.OpenAsync(cancellationToken))
        {
            rows = (await connection.QueryAsync<RunRow>(new CommandDefinition(
                $"""
                SELECT {RunRow.Columns} FROM runs r JOIN experiments e ON e.id = r.experiment_id{sql.Joins}
                WHERE r.experiment_id = ANY(@experiments) AND r.project_id = @project AND r.deleted_at IS NULL{sql.Where}
                ORDER BY {sql.Order}r.started_at DESC NULLS LAST, r.id LIMIT @limit OFFSET @offset
                """,
                sql.Parameters,
                cancellationToken: cancellationToken))).AsList();
        }

        return page.ToPage(
            await runs.CompleteAsync(rows, cancellationToken), run => run, _ => [(offset + page.Size).ToString(CultureInfo.InvariantCulture)]);
    }

    private static int Offset(string? key)
        => key is null ? 0
            : int.TryParse(key, NumberStyles.None, CultureInfo.InvariantCulture, out var offset) && offset <= MaxOffset ? offset
            : throw new ApiException(ErrorCodes.InvalidPageToken) { Field = "pageToken" };

    private static void Grammar(string field, Action parse)
    {
        try
        {
            parse();
        }
        catch (MLflowException exception)
        {
            throw ApiException.Invalid(field, "runFilter", exception.Message);
        }
    }
}
