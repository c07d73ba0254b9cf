using System.Globalization;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Paging;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.MLflow;
using AiPlatform.Tracking.Metrics;
using AiPlatform.Tracking.Runs;
using AiPlatform.Tracking.Search;
using AiPlatform.Tracking.Search.Index;
using Dapper;

namespace AiPlatform.Tracking.Views;

/// <summary>Searches runs natively, in the grammar that MLflow's users know: in memory where the experiments are kept there, else in SQL.</summary>
internal sealed class RunSearch(Database database, RunStore runs, RunIndexes indexes, MetricSummaries summaries)
{
    private const int MaxOffset = 1_000_000;
    private static readonly LifecycleView Live = new(Active: true, Deleted: false);

    /// <summary>Checks a filter and an order.</summary>
    /// <param name="prefix">What stands before the fields' names in the request.</param>
    /// <exception cref="ApiException">400 naming the field, with what the grammar says.</exception>
    public static RunQuery Parse(string? filter, IReadOnlyList<string>? orderBy, string prefix = "")
        => new(
            Live,
            Grammar($"{prefix}filter", () => FilterParser.Parse(filter, SearchDialect.Runs)),
            Grammar($"{prefix}orderBy", () => FilterParser.Order(orderBy ?? [], SearchDialect.Runs)));

    /// <summary>A page of the live runs that a search finds.</summary>
    /// <param name="experiments">Null for all of the project.</param>
    public async Task<Page<Run>> SearchAsync(string projectId, string[]? experiments, RunQuery query, PageRequest page, CancellationToken cancellationToken)
    {
        var offset = Offset(page.Key());
        experiments ??= await ReadExperimentsAsync(projectId, cancellationToken);
        var ids = await indexes.FindAsync(projectId, experiments, cancellationToken) is { } table
            ? [.. new RunMatcher(query).Search(table).Skip(offset).Take(page.Size + 1).Select(run => run.Id)]
            : await QueryAsync(projectId, experiments, query, page.Size + 1, offset, cancellationToken);
        var found = (await runs.FilterAsync(projectId, ids, cancellationToken)).ToDictionary(run => run.Id, StringComparer.Ordinal);

        // A run that was deleted meanwhile is left out of its page, and the next page begins where it would have begun.
        var ordered = ids.Take(page.Size).Where(found.ContainsKey).Select(id => found[id]).ToList();
        return new Page<Run>(
            await runs.CompleteAsync(ordered, cancellationToken),
            ids.Length > page.Size ? PageToken.Encode([(offset + page.Size).ToString(CultureInfo.InvariantCulture)]) : null);
    }

    private async Task<string[]> ReadExperimentsAsync(string projectId, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return [.. await connection.QueryAsync<string>(new CommandDefinition(
            "SELECT id FROM experiments WHERE project_id = @projectId AND deleted_at IS NULL", new { projectId }, cancellationToken: cancellationToken))];
    }

    private async Task<string[]> QueryAsync(string projectId, string[] experiments, RunQuery query, int limit, int offset, CancellationToken cancellationToken)
    {
        await summaries.EnsureExperimentsAsync(experiments, cancellationToken);
        await using var connection = await database.OpenAsync(cancellationToken);
        return [.. await connection.QueryAsync<string>(query.ToCommand("r.id", projectId, experiments, limit, offset, cancellationToken))];
    }

    private static int Offset(string? key)
        => key is null ? 0
            : int.TryParse(key, NumberStyles.None, CultureInfo.InvariantCulture, out var offset) && offset <= MaxOffset ? offset
            : throw new ApiException(ErrorCodes.InvalidPageToken) { Field = "pageToken" };

    private static T Grammar<T>(string field, Func<T> parse)
    {
        try
        {
            return parse();
        }
        catch (MLflowException exception)
        {
            throw ApiException.Invalid(field, "runFilter", exception.Message);
        }
    }
}
