using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace AiPlatform.Fuzz.Routes;

/// <summary>Requests to operations: values that exist, and now and then something that nobody expects in path, query, headers or body.</summary>
internal sealed partial class RequestMaker(RouteCatalog catalog, ValuePool pool)
{
    // What MLflow's clients say in queries, by the names in its protocol.
    private static readonly string[] MLflowQueries =
        ["experiment_id", "experiment_ids", "run_id", "run_ids", "name", "version", "filter", "order_by", "max_results", "page_token", "metric_key", "path", "key", "alias", "view_type", "request_id", "trace_ids", "stages", "start_step", "end_step"];

    private static readonly string[] ContentTypes = ["application/json", "application/json; charset=utf-16", "text/plain", "application/x-protobuf", "multipart/form-data; boundary=x", "application/json; charset=\"", "", "application/x-www-form-urlencoded"];

    private static readonly (string Name, string[] Values)[] Headers =
    [
        ("Accept-Language", ["zh-CN", "en;q=9", "*", "xx-YY-zz", ";;;"]), ("Idempotency-Key", ["a", "\u0001", "same"]), ("If-Match", ["*", "\"1\"", "W/\"1\"", "\"", "1"]), ("Range", ["bytes=0-1", "bytes=-1", "bytes=9-1", "bytes=0-99999999999999999999", "x"]),
        ("Content-Encoding", ["gzip", "br", "identity", "x"]), ("traceparent", ["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-xx"]), ("Accept", ["text/csv", "application/x-protobuf", "*/*;q=x"]), ("Last-Event-ID", ["1", "-1", "x"]),
        ("X-Forwarded-Host", ["evil.example"]), ("Expect", ["100-continue"]), ("Prefer", ["wait=1"]), ("If-None-Match", ["*", "\"x\""]), ("Content-Range", ["bytes 0-1/2", "x"]), ("X-MLflow-Experiment-Id", ["1", "x"]),
    ];

    /// <summary>A request to an operation.</summary>
    public FuzzRequest Make(RouteOperation operation, Random random)
    {
        // What the others are about is not what is deleted.
        var last = operation.Method == "DELETE" ? operation.Pattern.LastIndexOf('{') : -1;
        var url = new StringBuilder(Name().Replace(
            operation.Pattern, match => Escaped(random.Next(15) == 0 ? HostileValues.Text(random) : pool.Find(match.Groups["name"].Value, random, isSpared: match.Index == last) ?? "1")));
        if (operation.Pattern.StartsWith("/api/2.0/mlflow", StringComparison.Ordinal))
        {
            url.Insert(0, random.Next(4) > 0 ? "/p/" + Escaped(pool.Find("project", random) ?? "a") : string.Empty);
            if (random.Next(6) == 0)
            {
                url.Replace("/api/2.0/", random.Next(2) == 0 ? "/ajax-api/2.0/" : "/api/3.0/");
            }
        }

        AddQuery(url, operation, random);
        var headers = new List<(string, string)>();
        for (var more = random.Next(3); more == 0 && headers.Count < 3; more = random.Next(3))
        {
            var (name, values) = Headers[random.Next(Headers.Length)];
            headers.Add((name, values[random.Next(values.Length)]));
        }

        if (operation.Pattern == "/v1/traces" && random.Next(8) > 0)
        {
            headers.Add(("X-MLflow-Experiment-Id", pool.Find("experimentid", random) ?? "1"));
        }

        byte[]? body = null;
        if (operation.HasBody)
        {
            body = Encoding.UTF8.GetBytes(new BodyMaker(catalog.Schemas, pool).Make(operation, random));
            headers.Add(("Content-Type", random.Next(15) == 0 ? ContentTypes[random.Next(ContentTypes.Length)] : "application/json"));
            if (headers.Contains(("Content-Encoding", "gzip")) && random.Next(2) == 0)
            {
                body = Gzip(body);
            }
        }

        return new FuzzRequest(operation.Method, url.ToString(), headers, body);
    }

    private static byte[] Gzip(byte[] body)
    {
        using var bytes = new MemoryStream();
        using (var gzip = new GZipStream(bytes, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(body);
        }

        return bytes.ToArray();
    }

    private void AddQuery(StringBuilder url, RouteOperation operation, Random random)
    {
        var pairs = new List<(string Name, string Value)>();
        if (!operation.HasBody && operation.Samples.Count > 0)
        {
            var sample = (JsonObject)new BodyMaker(catalog.Schemas, pool).Filled(operation.Samples[random.Next(operation.Samples.Count)], random)!;
            pairs.AddRange(sample.SelectMany(static pair => pair.Value is JsonArray items ? items.Select(item => (pair.Key, $"{item}")) : [(pair.Key, $"{pair.Value}")]));
        }

        var names = operation.Queries.Count > 0 ? operation.Queries : operation.Pattern.Contains("mlflow", StringComparison.Ordinal) ? MLflowQueries : [];
        foreach (var name in names.Where(_ => random.Next(Math.Max(3, names.Count / 2)) == 0))
        {
            var isCondition = name.Contains("filter", StringComparison.OrdinalIgnoreCase) || name.Contains("order", StringComparison.OrdinalIgnoreCase);
            var isStrange = random.Next(6) == 0;
            if ((isStrange ? HostileValues.Text(random) : isCondition ? HostileValues.Condition(random) : pool.Find(name, random)) is { } value)
            {
                pairs.Add((name, value));
            }
        }

        if (pairs.Count > 0)
        {
            url.Append('?').AppendJoin('&', pairs.Select(static pair => $"{Escaped(pair.Name)}={Escaped(pair.Value.Length > 4_000 ? pair.Value[..4_000] : pair.Value)}"));
        }
    }

    // A lone surrogate has no bytes: the three that it would have are sent.
    private static string Escaped(string text)
        => string.Concat(text.Split('\ud800').Select(static part => Uri.EscapeDataString(new string([.. part.Where(static letter => !char.IsSurrogate(letter))])) + (part.Any(char.IsSurrogate) ? "%F0%9F%98%80" : string.Empty)).SelectMany(static (part, index) => index == 0 ? [part] : (string[])["%ED%A0%80", part]));

    [GeneratedRegex(@"\{(?<name>[^}]+)\}", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Name();
}
