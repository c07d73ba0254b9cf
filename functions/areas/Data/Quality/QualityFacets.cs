using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.DataFiles.Profiles;
using AiPlatform.DataFiles.Quality;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Operations;
using Dapper;
using Npgsql;

namespace AiPlatform.Data.Quality;

/// <summary>What the newest quality report of a version says, as OpenLineage facets: its columns, their metrics and the expectations.</summary>
internal sealed class QualityFacets : IDatasetFacetSource
{
    // More are left out, so that an event stays of a size that receivers take.
    private const int MaxColumns = 1_000;

    /// <inheritdoc />
    public async Task<IReadOnlyDictionary<string, DatasetFacets>> ReadAsync(
        NpgsqlConnection connection, IReadOnlyCollection<string> versionIds, CancellationToken cancellationToken)
    {
        var result = new Dictionary<string, DatasetFacets>(StringComparer.Ordinal);
        foreach (var versionId in versionIds)
        {
            // One at a time: a document unpacks to megabytes.
            var packed = await connection.QuerySingleOrDefaultAsync<byte[]?>(new CommandDefinition(
                "SELECT document FROM quality_reports WHERE version_id = @versionId AND status = 'succeeded' ORDER BY id DESC LIMIT 1",
                new { versionId },
                cancellationToken: cancellationToken));
            if (packed is not null)
            {
                result[versionId] = Of(JsonSerializer.Deserialize<QualityDocument>(Compressed.Unpack(packed), ContractsJson.Tolerant)!);
            }
        }

        return result;
    }

    private static DatasetFacets Of(QualityDocument document)
    {
        // A version of several tables has one schema in OpenLineage: each column says which table it is of.
        var qualified = document.Tables.Count > 1;
        var columns = document.Tables
            .SelectMany(table => table.Columns.Select(column => (Name: qualified ? $"{table.Name}.{column.Name}" : column.Name, Column: column)))
            .DistinctBy(static item => item.Name, StringComparer.Ordinal)
            .Take(MaxColumns)
            .ToList();
        return new DatasetFacets
        {
            Fields = [.. columns.Select(static item => new DatasetField(item.Name, item.Column.Declared))],
            RowCount = document.Tables.Count == 0 ? null : document.Tables.Sum(static table => table.Rows),
            Columns = columns.ToDictionary(static item => item.Name, static item => Metrics(item.Column), StringComparer.Ordinal),
            Assertions =
            [
                .. document.Expectations.Select(item => new DatasetAssertion(item.Type, item.Success, qualified && item.Column is not null ? $"{item.Table}.{item.Column}" : item.Column)),
            ],
        };
    }

    private static ColumnMetrics Metrics(ColumnProfile column) => new(column.Missing, column.Distinct, column.Numeric?.Min, column.Numeric?.Max);
}
