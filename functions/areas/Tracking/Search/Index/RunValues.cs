using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Tracking.Search.Index;

/// <summary>Finds what a filter or an order names in a run in memory; null where the run does not have it.</summary>
internal static class RunValues
{
    /// <summary>Whether the values are numbers.</summary>
    public static bool IsNumber(EntityKind kind, string key) => kind == EntityKind.Metric || (kind == EntityKind.Attribute && SearchDialect.Runs.Numeric.Contains(key));

    /// <summary>A time in milliseconds since 1970.</summary>
    public static double? Number(RunDocument run, string attribute) => (attribute == "start_time" ? run.StartedAt : run.EndedAt)?.ToUnixTimeMilliseconds();

    public static string? Text(RunDocument run, string attribute) => attribute switch
    {
        "run_id" => run.Id,
        "run_name" => run.Name,
        "status" => run.Status,
        "user_id" => run.UserName,
        "experiment_id" => run.ExperimentId,
        "artifact_uri" => RunDocument.Artifacts(run.ArtifactLocation, run.ExperimentId, run.Id),
        _ => throw new ArgumentOutOfRangeException(nameof(attribute), attribute, "Unknown attribute."),
    };

    public static double? Metric(RunDocument run, string key)
        => IndexOf(run.Metrics, key, static metric => metric.Key) is >= 0 and var index ? run.Metrics[index].Value : null;

    /// <summary>A param or a tag.</summary>
    public static string? Entry(RunDocument run, EntityKind kind, string key)
    {
        var entries = kind == EntityKind.Param ? run.Params : run.Tags;
        return IndexOf(entries, key, static entry => entry.Key) is >= 0 and var index ? entries[index].Value : null;
    }

    /// <summary>What a data set has: name, digest, or the context out of its tags.</summary>
    public static string? Dataset(InputRow input, string key) => key switch
    {
        "name" => input.Name,
        "digest" => input.Digest,
        _ => JsonTags.Read(input.Tags).GetValueOrDefault("mlflow.data.context"),
    };

    // Documents keep their entries ordered by key.
    private static int IndexOf<T>(IReadOnlyList<T> entries, string key, Func<T, string> keyOf)
    {
        for (var (low, high) = (0, entries.Count - 1); low <= high;)
        {
            var middle = (low + high) >> 1;
            var order = string.CompareOrdinal(keyOf(entries[middle]), key);
            if (order == 0)
            {
                return middle;
            }

            (low, high) = order < 0 ? (middle + 1, high) : (low, middle - 1);
        }

        return -1;
    }
}
