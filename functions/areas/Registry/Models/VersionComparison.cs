using AiPlatform.Contracts.Models;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Tracking;

namespace AiPlatform.Registry.Models;

/// <summary>Puts versions side by side: what they reach, how they were made, what they take, which data went in.</summary>
internal sealed class VersionComparison(Database database, IRunRecords runs)
{
    private const int MaxParams = 1_000;

    /// <summary>Compares whole versions of one model.</summary>
    public async Task<ModelVersionComparison> ReadAsync(IReadOnlyList<ModelVersion> versions, CancellationToken cancellationToken)
    {
        var parameters = await database.InWorkAsync(
            work => runs.ParamsAsync(work, [.. versions.Select(version => version.Lineage.RunId).OfType<string>().Distinct()], MaxParams),
            cancellationToken);
        return new ModelVersionComparison(
            versions,
            [
                .. Rows(versions, version => version.Metrics.ToDictionary(pair => pair.Key, pair => (double?)pair.Value)).Select(row => new ComparedNumbers(row.Key, row.Differs, row.Values)),
            ],
            Texts(versions, version => version.Lineage.RunId is { } run ? parameters[run].ToDictionary(pair => pair.Key, pair => (string?)pair.Value) : new Dictionary<string, string?>()),
            Texts(versions, version => (version.Tags ?? new Dictionary<string, string>()).ToDictionary(pair => pair.Key, pair => (string?)pair.Value)),
            Texts(versions, version => version.Signature is { } signature ? ModelSignature.Flatten(signature).ToDictionary(pair => pair.Key, pair => (string?)pair.Value) : new Dictionary<string, string?>()),
            Texts(versions, version => version.Lineage.DatasetVersions.GroupBy(dataset => dataset.Name).ToDictionary(
                group => group.Key, group => (string?)string.Join(", ", group.Select(dataset => dataset.Version).Order()))));
    }

    private static List<ComparedTexts> Texts(IReadOnlyList<ModelVersion> versions, Func<ModelVersion, Dictionary<string, string?>> values)
        => [.. Rows(versions, values).Select(row => new ComparedTexts(row.Key, row.Differs, row.Values))];

    /// <summary>One row per key that any of the versions has, by key.</summary>
    internal static IEnumerable<(string Key, bool Differs, T?[] Values)> Rows<T>(IReadOnlyList<ModelVersion> versions, Func<ModelVersion, Dictionary<string, T?>> values)
    {
        var columns = versions.Select(values).ToList();
        foreach (var key in columns.SelectMany(column => column.Keys).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))
        {
            T?[] row = [.. columns.Select(column => column.GetValueOrDefault(key))];
            yield return (key, row.Distinct().Count() > 1, row);
        }
    }
}
