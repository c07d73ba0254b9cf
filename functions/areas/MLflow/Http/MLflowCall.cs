using System.Globalization;
using System.Text.Json;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Postgres;
using AiPlatform.MLflow.Tracking;
using AiPlatform.Ports.MLflow;
using AiPlatform.Tracking.Search;
using Microsoft.AspNetCore.Http.Features;

namespace AiPlatform.MLflow.Http;

/// <summary>
/// One request of an MLflow client: its parameters, from the query for GET and from the JSON body for the others, and its
/// answer. A parameter of the wrong type is refused in MLflow's words; unknown parameters are ignored, as newer clients send more.
/// </summary>
internal sealed class MLflowCall(HttpContext context, JsonElement body, string projectId)
{
    public HttpContext Context { get; } = context;

    public Caller Caller { get; } = context.Features.Get<Caller>()!;

    /// <summary>The project that the tracking URI names, or the caller's default project.</summary>
    public string ProjectId { get; } = projectId;

    public JsonElement Body => body;

    public CancellationToken Token => Context.RequestAborted;

    /// <summary>Reads the body of a request; an absent one is an empty object.</summary>
    public static async Task<JsonElement> ReadBodyAsync(HttpContext context)
    {
        if (HttpMethods.IsGet(context.Request.Method) || context.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: false } || context.Request.ContentLength is 0)
        {
            return FromQuery(context.Request.Query);
        }

        using var document = await JsonDocument.ParseAsync(context.Request.Body, cancellationToken: context.RequestAborted);
        return document.RootElement.ValueKind == JsonValueKind.Object
            ? document.RootElement.Clone()
            : throw new MLflowException("BAD_REQUEST", "The request body must be a JSON object.");
    }

    public bool Has(string name) => Find(name) is not null;

    public string? Text(string name) => Find(name) is { } value ? AsText(value, name) : null;

    public string RequiredText(string name) => Text(name) is { Length: > 0 } value ? value : throw MLflowException.Required(name);

    public long? Number(string name) => Find(name) is { } value ? AsNumber(value, name) : null;

    public bool? Flag(string name) => Find(name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.False } => false,
        { ValueKind: JsonValueKind.String } value when bool.TryParse(JsonTexts.Read(value), out var flag) => flag,
        { } value => throw MLflowException.Value(name, value.GetRawText()),
    };

    /// <summary>A list of texts; a single text in a query is a list of one.</summary>
    public IReadOnlyList<string> Texts(string name) => Find(name) switch
    {
        null => [],
        { ValueKind: JsonValueKind.Array } list => [.. list.EnumerateArray().Select(item => AsText(item, name))],
        { } value => [AsText(value, name)],
    };

    /// <summary>An object, to read as a request is read.</summary>
    public MLflowCall? Object(string name) => Find(name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.Object } value => new MLflowCall(Context, value, ProjectId),
        { } value => throw MLflowException.Value(name, value.GetRawText()),
    };

    /// <summary>A list of objects.</summary>
    public IReadOnlyList<JsonElement> Objects(string name) => Find(name) switch
    {
        null => [],
        { ValueKind: JsonValueKind.Array } list => [.. list.EnumerateArray().Select(item => item.ValueKind == JsonValueKind.Object ? item : throw MLflowException.Value(name, item.GetRawText()))],
        { } value => throw MLflowException.Value(name, value.GetRawText()),
    };

    /// <summary>A number of results from 1 to <paramref name="most"/>.</summary>
    public int MaxResults(int byDefault, int most)
    {
        var value = Number("max_results") ?? byDefault;
        return value < 1
            ? throw MLflowException.Invalid($"Invalid value for request parameter max_results. It must be at least 1, but got value {value}")
            : value > most
                ? throw MLflowException.Invalid($"Invalid value for request parameter max_results. It must be at most {most}, but got value {value}")
                : (int)value;
    }

    public static string AsText(JsonElement value, string name)
        => value.ValueKind == JsonValueKind.String && JsonTexts.Read(value) is { } text && !text.Contains('\0', StringComparison.Ordinal)
            ? text
            : throw MLflowException.Value(name, value.GetRawText());

    public static long AsNumber(JsonElement value, string name)
        => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) ? number
            : value.ValueKind == JsonValueKind.Number && value.GetDouble() is var real && Math.Abs(real) < 9e15 && real == Math.Truncate(real) ? (long)real
            : value.ValueKind == JsonValueKind.String && long.TryParse(JsonTexts.Read(value), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number) ? number
            : throw MLflowException.Value(name, value.GetRawText());

    /// <summary>Answers <c>{}</c>.</summary>
    public Task EmptyAsync() => WriteAsync(static _ => { });

    /// <summary>Answers an object with the properties that <paramref name="write"/> writes.</summary>
    public async Task WriteAsync(Action<Utf8JsonWriter> write)
    {
        using var buffer = new PooledBuffer();
        MLflowJson.Write(buffer, write);
        Context.Response.ContentType = "application/json";
        Context.Response.ContentLength = buffer.Written.Length;
        await Context.Response.Body.WriteAsync(buffer.Written, Token);
    }

    /// <summary>Answers a page of a list: rows to a limit, and the token of the next page where there is one.</summary>
    /// <param name="name">The list's property.</param>
    /// <param name="rows">The rows, one more than the limit where more follow.</param>
    /// <param name="limit">Rows of a page.</param>
    /// <param name="offset">Rows before this page.</param>
    /// <param name="write">Writes a row.</param>
    public Task WritePageAsync<T>(string name, IReadOnlyList<T> rows, int limit, int offset, Action<Utf8JsonWriter, T> write) => WriteAsync(json =>
    {
        json.WriteStartArray(name);
        foreach (var row in rows.Take(limit))
        {
            write(json, row);
        }

        json.WriteEndArray();
        if (rows.Count > limit)
        {
            json.WriteString("next_page_token"u8, Offsets.Write(offset + limit));
        }
    });

    private JsonElement? Find(string name)
        => body.TryGetProperty(name, out var value) && value.ValueKind is not (JsonValueKind.Null or JsonValueKind.Undefined) ? value : null;

    private static JsonElement FromQuery(IQueryCollection query)
        => JsonSerializer.SerializeToElement(query.ToDictionary(
            pair => pair.Key, pair => pair.Value.Count == 1 ? (object?)pair.Value[0] : pair.Value.ToArray(), StringComparer.Ordinal));
}
