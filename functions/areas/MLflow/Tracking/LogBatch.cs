using System.Text.Json;
using AiPlatform.Kernel.Errors;
using AiPlatform.Ports.MLflow;
using AiPlatform.Tracking.LoggedModels;
using AiPlatform.Tracking.Metrics;
using AiPlatform.Tracking.Runs;

namespace AiPlatform.MLflow.Tracking;

/// <summary>
/// The body of <c>runs/log-batch</c> and <c>runs/log-metric</c>, read token by token: this is what clients send most, and
/// a document in memory would cost more than storing it.
/// </summary>
internal sealed class LogBatch
{
    private const int MaxMetrics = 1_000;
    private const int MaxEntries = 100;
    private const int MaxTotal = 1_000;

    private readonly List<MetricRow> _metrics = [];
    private readonly List<KeyValuePair<string, string>> _params = [];
    private readonly List<KeyValuePair<string, string>> _tags = [];
    private readonly List<ModelMetric> _modelMetrics = [];

    public string RunId { get; private set; } = string.Empty;

    public IReadOnlyList<ModelMetric> ModelMetrics => _modelMetrics;

    public IReadOnlyList<KeyValuePair<string, string>> Params => _params;

    public IReadOnlyList<KeyValuePair<string, string>> Tags => _tags;

    public MetricRow[] Metrics => [.. _metrics];

    /// <summary>Reads a batch.</summary>
    /// <exception cref="MLflowException">A limit or a rule of names is broken.</exception>
    /// <exception cref="JsonException">It is no JSON, or a text of it is none.</exception>
    public static LogBatch Read(ReadOnlySpan<byte> json) => Sound(json, ReadBatch);

    /// <summary>Reads the body of <c>runs/log-metric</c>: one metric with its run.</summary>
    public static LogBatch ReadMetric(ReadOnlySpan<byte> json) => Sound(json, ReadOne);

    private delegate LogBatch Reader(ReadOnlySpan<byte> json);

    private static LogBatch Sound(ReadOnlySpan<byte> json, Reader read)
    {
        try
        {
            return read(json);
        }
        catch (InvalidOperationException exception)
        {
            // How the reader says that an escape is half of a surrogate pair.
            throw new JsonException("A text is none.", exception);
        }
    }

    private static LogBatch ReadBatch(ReadOnlySpan<byte> json)
    {
        var batch = new LogBatch();
        var reader = new Utf8JsonReader(json);
        Begin(ref reader);
        while (Next(ref reader))
        {
            if (reader.ValueTextEquals("run_id"u8) || (reader.ValueTextEquals("run_uuid"u8) && batch.RunId.Length == 0))
            {
                batch.RunId = Text(ref reader, "run_id") ?? string.Empty;
            }
            else if (reader.ValueTextEquals("metrics"u8))
            {
                batch._metrics.EnsureCapacity(MaxEntries);
                batch.List(ref reader, "metrics", static (LogBatch target, ref Utf8JsonReader item) => target.Metric(ref item, isListed: true));
            }
            else if (reader.ValueTextEquals("params"u8))
            {
                batch.List(ref reader, "params", static (LogBatch target, ref Utf8JsonReader item) => Entry(ref item, target._params, "param", Names.MaxParam));
            }
            else if (reader.ValueTextEquals("tags"u8))
            {
                batch.List(ref reader, "tags", static (LogBatch target, ref Utf8JsonReader item) => Entry(ref item, target._tags, "tag", Names.MaxTag));
            }
            else
            {
                Skip(ref reader);
            }
        }

        End(ref reader);
        batch.Check();
        return batch;
    }

    private static LogBatch ReadOne(ReadOnlySpan<byte> json)
    {
        var batch = new LogBatch();
        var reader = new Utf8JsonReader(json);
        Begin(ref reader);
        batch.Metric(ref reader, isListed: false);
        End(ref reader);
        batch.RequireRun();
        return batch;
    }

    private delegate void Item(LogBatch batch, ref Utf8JsonReader reader);

    private void List(ref Utf8JsonReader reader, string name, Item item)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.Null)
        {
            return;
        }

        if (reader.TokenType != JsonTokenType.StartArray)
        {
            throw Wrong(ref reader, name);
        }

        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.StartObject)
            {
                throw Wrong(ref reader, name);
            }

            item(this, ref reader);
        }
    }

    private void Metric(ref Utf8JsonReader reader, bool isListed)
    {
        string? key = null, model = null, dataset = null, digest = null;
        double? value = null;
        long? timestamp = null;
        long step = 0;
        while (Next(ref reader))
        {
            if (reader.ValueTextEquals("key"u8))
            {
                reader.Read();
                key = reader.TokenType == JsonTokenType.Null ? null
                    : reader.TokenType != JsonTokenType.String ? throw Wrong(ref reader, "key")
                    : reader.ValueIsEscaped ? Names.Key(reader.GetString(), "metric") : KeyCache.Get(reader.ValueSpan, "metric");
            }
            else if (reader.ValueTextEquals("value"u8))
            {
                value = Real(ref reader);
            }
            else if (reader.ValueTextEquals("timestamp"u8))
            {
                timestamp = Whole(ref reader, "timestamp");
            }
            else if (reader.ValueTextEquals("step"u8))
            {
                step = Whole(ref reader, "step") ?? 0;
            }
            else if (reader.ValueTextEquals("model_id"u8))
            {
                model = Text(ref reader, "model_id");
            }
            else if (reader.ValueTextEquals("dataset_name"u8))
            {
                dataset = Text(ref reader, "dataset_name");
            }
            else if (reader.ValueTextEquals("dataset_digest"u8))
            {
                digest = Text(ref reader, "dataset_digest");
            }
            else if (reader.ValueTextEquals("run_id"u8) || (reader.ValueTextEquals("run_uuid"u8) && RunId.Length == 0))
            {
                RunId = Text(ref reader, "run_id") ?? string.Empty;
            }
            else
            {
                Skip(ref reader);
            }
        }

        var name = key ?? throw MLflowException.Required(Place("key"));
        var number = value ?? throw MLflowException.Required(Place("value"));
        var row = new MetricRow(name, step, Names.Microseconds(timestamp ?? throw MLflowException.Required(Place("timestamp")), name, number), number);
        _metrics.Add(row);
        if (model is { Length: > 0 })
        {
            _modelMetrics.Add(new ModelMetric(model, dataset ?? string.Empty, digest ?? string.Empty, row));
        }

        string Place(string property) => isListed ? $"metrics[{_metrics.Count}].{property}" : property;
    }

    private static void Entry(ref Utf8JsonReader reader, List<KeyValuePair<string, string>> entries, string kind, int max)
    {
        string? key = null, value = null;
        while (Next(ref reader))
        {
            if (reader.ValueTextEquals("key"u8))
            {
                key = Text(ref reader, "key");
            }
            else if (reader.ValueTextEquals("value"u8))
            {
                value = Text(ref reader, "value");
            }
            else
            {
                Skip(ref reader);
            }
        }

        entries.Add(new(Names.Key(key, kind), Names.Value(value ?? string.Empty, kind, key!, max)));
    }

    private void Check()
    {
        RequireRun();
        Limit("metrics", MaxMetrics, _metrics.Count);
        Limit("params", MaxEntries, _params.Count);
        Limit("tags", MaxEntries, _tags.Count);
        Limit("metrics, params, and tags", MaxTotal, _metrics.Count + _params.Count + _tags.Count);
        var twice = _params.GroupBy(entry => entry.Key, StringComparer.Ordinal).Where(group => group.Select(entry => entry.Value).Distinct(StringComparer.Ordinal).Count() > 1).Select(group => group.Key).ToList();
        if (twice.Count > 0)
        {
            throw MLflowException.Invalid(
                $"Duplicate parameter keys have been submitted: ['{string.Join("', '", twice)}']. Please ensure the request contains only one param value per param key.");
        }
    }

    private void RequireRun() => RunId = RunId.Length > 0 ? RunId : throw MLflowException.Required("run_id");

    private static void Limit(string what, int limit, int count)
    {
        if (count > limit)
        {
            throw MLflowException.Invalid(
                $"A batch logging request can contain at most {limit} {what}. Got {count} {what}. Please split up {what} across multiple requests and try again.");
        }
    }

    private static void Begin(ref Utf8JsonReader reader)
    {
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            throw new JsonException("The body is no object.");
        }
    }

    private static void End(ref Utf8JsonReader reader)
    {
        if (reader.Read())
        {
            throw new JsonException("The body goes on after its object.");
        }
    }

    private static bool Next(ref Utf8JsonReader reader) => reader.Read() && reader.TokenType == JsonTokenType.PropertyName;

    private static void Skip(ref Utf8JsonReader reader)
    {
        reader.Read();
        reader.Skip();
    }

    private static string? Text(ref Utf8JsonReader reader, string name)
    {
        reader.Read();
        return reader.TokenType switch
        {
            JsonTokenType.Null => null,
            JsonTokenType.String when reader.GetString() is { } text && !text.Contains('\0', StringComparison.Ordinal) => text,
            _ => throw Wrong(ref reader, name),
        };
    }

    // In the client's own words, as MLflow does.
    private static MLflowException Wrong(ref Utf8JsonReader reader, string name) => MLflowException.Value(name, JsonElement.ParseValue(ref reader).GetRawText());

    private static long? Whole(ref Utf8JsonReader reader, string name)
    {
        reader.Read();
        switch (reader.TokenType)
        {
            case JsonTokenType.Null:
                return null;
            case JsonTokenType.Number when reader.TryGetInt64(out var number):
                return number;
            case JsonTokenType.Number when reader.GetDouble() is var real && real == Math.Truncate(real) && Math.Abs(real) < 9e15:
                return (long)real;
            case JsonTokenType.String when long.TryParse(reader.GetString(), System.Globalization.CultureInfo.InvariantCulture, out var number):
                return number;
            default:
                throw Wrong(ref reader, name);
        }
    }

    private static double? Real(ref Utf8JsonReader reader)
    {
        reader.Read();
        return reader.TokenType switch
        {
            JsonTokenType.Null => null,
            JsonTokenType.Number => reader.GetDouble(),
            JsonTokenType.String => reader.GetString() switch
            {
                "NaN" => double.NaN,
                "Infinity" => double.PositiveInfinity,
                "-Infinity" => double.NegativeInfinity,
                { } text when double.TryParse(text, System.Globalization.NumberStyles.Float, System.Globalization.CultureInfo.InvariantCulture, out var number) => number,
                _ => throw Wrong(ref reader, "value"),
            },
            _ => throw Wrong(ref reader, "value"),
        };
    }
}
