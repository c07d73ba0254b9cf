using System.Globalization;
using System.Text.Json;
using AiPlatform.Kernel.Errors;

namespace AiPlatform.Operations.Lineage;

/// <summary>
/// The rules of OpenLineage's published schema (2-0-2): what is required, of which type and format, for events about runs, jobs and datasets,
/// and that every facet says who made it and by which schema. Unknown properties are allowed, as there.
/// </summary>
internal static class OpenLineageCheck
{
    private const int MaxText = 2_000;
    private const int MaxDatasets = 1_000;
    private const int MaxEventBytes = 1024 * 1024;
    private static readonly string[] EventTypes = ["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"];

    /// <summary>Checks one event.</summary>
    /// <exception cref="ApiException">400 naming the field.</exception>
    public static OpenLineageEvent Read(JsonElement body)
    {
        Check.Kind(body, "event", JsonValueKind.Object);
        Check.Json(body, "event", MaxEventBytes);
        var at = Time(Text(body, string.Empty, "eventTime"), "eventTime");
        RequireUri(body, string.Empty, "producer");
        RequireUri(body, string.Empty, "schemaURL");
        var hasRun = body.TryGetProperty("run", out var run);
        if (body.TryGetProperty("dataset", out var dataset))
        {
            Check.That(!hasRun && !body.TryGetProperty("job", out _), "dataset", "excludes", "run, job");
            return new OpenLineageEvent(body, at, null, null, null, null, [], [], ReadDataset(dataset, "dataset", []));
        }

        var job = ReadName(Object(body, string.Empty, "job"), "job");
        CheckFacets(body.GetProperty("job"), "job", "facets");
        var inputs = ReadDatasets(body, "inputs", "inputFacets");
        var outputs = ReadDatasets(body, "outputs", "outputFacets");
        if (!hasRun)
        {
            return new OpenLineageEvent(body, at, null, job, null, null, inputs, outputs, null);
        }

        Check.Kind(run, "run", JsonValueKind.Object);
        var id = Uuid(run, "run");
        CheckFacets(run, "run", "facets");
        return new OpenLineageEvent(body, at, EventType(body), job, id, ReadParent(run), inputs, outputs, null);
    }

    /// <summary>A time of RFC 3339, which asks for an offset; some clients leave it out and mean UTC.</summary>
    /// <exception cref="ApiException">400 naming the field.</exception>
    public static DateTimeOffset Time(string text, string field)
    {
        DateTimeOffset time = default;
        Check.That(
            text.Length is >= 19 and <= 40 && text[10] is 'T' or 't' or ' '
                && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out time)
                && time >= DateTimeOffset.UnixEpoch && time.Year < 9999,
            field,
            "dateTime");
        return time;
    }

    private static string? EventType(JsonElement body)
    {
        if (!body.TryGetProperty("eventType", out var type))
        {
            return null;
        }

        Check.That(type.ValueKind == JsonValueKind.String && EventTypes.Contains(type.GetString()), "eventType", "oneOf", string.Join(", ", EventTypes));
        return type.GetString();
    }

    private static (Guid, OpenLineageName)? ReadParent(JsonElement run)
    {
        if (!run.TryGetProperty("facets", out var facets) || !facets.TryGetProperty("parent", out var parent))
        {
            return null;
        }

        const string path = "run.facets.parent";
        return (Uuid(Object(parent, path, "run"), path + ".run"), ReadName(Object(parent, path, "job"), path + ".job"));
    }

    private static List<OpenLineageDataset> ReadDatasets(JsonElement body, string property, string ioFacets)
    {
        if (!body.TryGetProperty(property, out var list))
        {
            return [];
        }

        Check.Kind(list, property, JsonValueKind.Array);
        Check.That(list.GetArrayLength() <= MaxDatasets, property, "count", 0, MaxDatasets);
        return [.. list.EnumerateArray().Select((dataset, i) => ReadDataset(dataset, string.Create(CultureInfo.InvariantCulture, $"{property}[{i}]"), [ioFacets]))];
    }

    private static OpenLineageDataset ReadDataset(JsonElement dataset, string path, string[] ioFacets)
    {
        Check.Kind(dataset, path, JsonValueKind.Object);
        var name = ReadName(dataset, path);
        var all = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var kind in ioFacets.Prepend("facets"))
        {
            foreach (var facet in CheckFacets(dataset, path, kind))
            {
                all[facet.Name] = facet.Value;
            }
        }

        string? version = null;
        if (all.TryGetValue("version", out var facetOfVersion))
        {
            version = Text(facetOfVersion, $"{path}.facets.version", "datasetVersion");
        }

        return new OpenLineageDataset(name, version, all.Count == 0 ? null : JsonSerializer.SerializeToElement(all));
    }

    // Every facet, of whatever kind, names its producer and its schema. A dataset's facet may be a mark that it is deleted, which needs no more.
    private static List<JsonProperty> CheckFacets(JsonElement holder, string path, string property)
    {
        if (!holder.TryGetProperty(property, out var facets))
        {
            return [];
        }

        path = $"{path}.{property}";
        Check.Kind(facets, path, JsonValueKind.Object);
        foreach (var facet in facets.EnumerateObject())
        {
            Check.Kind(facet.Value, $"{path}.{facet.Name}", JsonValueKind.Object);
            RequireUri(facet.Value, $"{path}.{facet.Name}.", "_producer");
            RequireUri(facet.Value, $"{path}.{facet.Name}.", "_schemaURL");
        }

        return [.. facets.EnumerateObject()];
    }

    private static OpenLineageName ReadName(JsonElement holder, string path) => new(Text(holder, path, "namespace"), Text(holder, path, "name"));

    private static string Text(JsonElement holder, string path, string property)
    {
        path = path.Length == 0 ? property : $"{path}.{property}";
        Check.That(holder.TryGetProperty(property, out var value), path, "required");
        Check.Kind(value, path, JsonValueKind.String);
        return Check.Length(value.GetString(), path, 1, MaxText);
    }

    private static JsonElement Object(JsonElement holder, string path, string property)
    {
        path = path.Length == 0 ? property : $"{path}.{property}";
        Check.That(holder.TryGetProperty(property, out var value), path, "required");
        Check.Kind(value, path, JsonValueKind.Object);
        return value;
    }

    private static Guid Uuid(JsonElement holder, string path)
    {
        var text = Text(holder, path, "runId");
        Check.That(Guid.TryParseExact(text, "D", out var id), $"{path}.runId", "uuid");
        return id;
    }

    private static void RequireUri(JsonElement holder, string prefix, string property)
    {
        var text = Text(holder, prefix.TrimEnd('.'), property);
        Check.That(Uri.TryCreate(text, UriKind.Absolute, out _), prefix + property, "uri");
    }
}
