using AiPlatform.Kernel.Postgres;
using Npgsql;

namespace AiPlatform.Ports.Operations;

/// <summary>
/// What a feature knows about dataset versions that OpenLineage has facets for: schema, quality metrics, assertions. Register an
/// implementation and its facets are in the events that the platform emits.
/// </summary>
public interface IDatasetFacetSource
{
    /// <summary>Facets by version id; versions of which nothing is known are left out.</summary>
    Task<IReadOnlyDictionary<string, DatasetFacets>> ReadAsync(NpgsqlConnection connection, IReadOnlyCollection<string> versionIds, CancellationToken cancellationToken);
}

/// <summary>Facets of one version; null and empty mean unknown.</summary>
public sealed record DatasetFacets
{
    /// <summary>Columns with their types.</summary>
    public IReadOnlyList<DatasetField> Fields { get; init; } = [];

    /// <summary>Rows that were looked at.</summary>
    public long? RowCount { get; init; }

    /// <summary>Metrics by column.</summary>
    public IReadOnlyDictionary<string, ColumnMetrics> Columns { get; init; } = new Dictionary<string, ColumnMetrics>();

    /// <summary>Expectations and how they came out.</summary>
    public IReadOnlyList<DatasetAssertion> Assertions { get; init; } = [];
}

/// <summary>A column.</summary>
public sealed record DatasetField(string Name, string Type);

/// <summary>Metrics of a column.</summary>
public sealed record ColumnMetrics(long? NullCount = null, long? DistinctCount = null, double? Min = null, double? Max = null, double? Sum = null);

/// <summary>An expectation that was checked.</summary>
/// <param name="Assertion">Its kind, such as <c>not_null</c>.</param>
/// <param name="Column">Null: the whole dataset.</param>
public sealed record DatasetAssertion(string Assertion, bool Success, string? Column = null);
