using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Ports.Tracking;

/// <summary>What was written down about runs.</summary>
public interface IRunRecords
{
    /// <summary>A run with its parameters, tags, metrics and inputs; null when there is none. Deleted runs are told of, as long as they are kept.</summary>
    /// <param name="limit">So many of each at most.</param>
    Task<RunRecord?> FindAsync(UnitOfWork work, string runId, int limit);

    /// <summary>Parameters of runs, by the run: of all of them together the first keys.</summary>
    /// <param name="limit">How many keys.</param>
    Task<ILookup<string, KeyValuePair<string, string>>> ParamsAsync(UnitOfWork work, IReadOnlyCollection<string> runIds, int limit);
}

/// <summary>What was written down about a run.</summary>
/// <param name="Status">As the API spells it.</param>
/// <param name="Metrics">Last values, as of the last call of <see cref="IRunMetrics.EnsureAsync"/>.</param>
/// <param name="Inputs">By name and digest.</param>
public sealed record RunRecord(
    string Id,
    string Name,
    string ExperimentId,
    string ExperimentName,
    string Status,
    DateTimeOffset? StartedAt,
    DateTimeOffset? EndedAt,
    IReadOnlyDictionary<string, string> Params,
    IReadOnlyDictionary<string, string> Tags,
    IReadOnlyDictionary<string, double> Metrics,
    IReadOnlyList<RunInput> Inputs);

/// <summary>Data that a client said went into a run.</summary>
public sealed record RunInput(string Name, string Digest, string SourceType, string Source);
