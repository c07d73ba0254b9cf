using System.Text.Json.Nodes;

namespace AiPlatform.Fuzz.Routes;

/// <summary>Values that something is likely to be wrong with.</summary>
internal static class HostileValues
{
    private static readonly string[] Texts =
    [
        "", " ", "a", "../..", "a/../b", "%2e%2e%2f", "a\u0000b", "\ud800", "\u202eabc", "e\u0301", "中文 名称", "😀", "a\tb", "a\nb", "'", "\"", "`", "\\", "$1", "{0}", "%", "%%", "_%", "--", ";", "null", "NaN",
        "0", "-1", "1.5", "1e400", "9223372036854775808", "99999999999999999999999999999999999999", "true", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.9999999Z", "2024-02-30", "24:00", "PT1S", "-PT1S", "P99999999D",
        "http://127.0.0.1:1/", "file:///etc/passwd", "http://[::1", "javascript:1", "mlflow-artifacts:/", "runs:/x/y", "models:/a/1", "wasbs://c@a.blob.core.windows.net/p", "* * * * *", "0 0 31 2 *", "@daily", "[", "(", "(?<a", "a{99999}",
        "00000000000000000000000000000001", "00000000-0000-0000-0000-000000000000", "=cmd|' /C calc'!A0", "<script>", "application/json", "zh-CN", "eyJ", "AAAA",
    ];

    private static readonly string[] Raw =
    [
        "null", "true", "0", "-1", "1", "2147483648", "9223372036854775807", "9223372036854775808", "1e308", "1e-400", "1e200000", "-0", "0.1", "\"\"", "[]", "{}", "[null]", "[[]]", "{\"\":0}", "{\"a\":null}", "[1,\"a\",null]",
        "\"\\u0000\"", "\"\\ud800\"", "\"\\udc00\\ud800\"", "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{}}}}}}}",
    ];

    private static readonly string[] Words =
    [
        "metrics.", "params.", "tags.", "attributes.", "attribute.", "dataset.", "tag.", "metric.", "run_id", "name", "start_time", "`mlflow.x`", "\"a b\"", "loss", "status", "=", "!=", "<", ">=", "LIKE", "ILIKE", "IN", "NOT IN", "IS NULL", "IS NOT NULL",
        "'x'", "'%'", "'it''s'", "1", "-1.5", "1e400", "(", ")", "('a', 'b')", "()", "AND", "OR", "NOT", ",", "ASC", "DESC", "\"", "'", "`", "and", "between", "a = 1", "name = 'a'", "tags.a = 'b'", "metrics.loss > 0.1", "trace.status = 'OK'", "request_metadata.a = 'b'",
    ];

    /// <summary>A text.</summary>
    public static string Text(Random random) => random.Next(40) switch
    {
        0 => new string('x', 70_000),
        1 => string.Concat(Enumerable.Repeat("😀", 5_000)),
        2 => new string('(', 3_000),
        < 8 => Condition(random),
        _ => Texts[random.Next(Texts.Length)],
    };

    /// <summary>What may be a condition or an order.</summary>
    public static string Condition(Random random) => string.Join(random.Next(4) == 0 ? string.Empty : " ", Enumerable.Range(0, random.Next(1, 9)).Select(_ => Words[random.Next(Words.Length)]));

    /// <summary>JSON, which need not be sound.</summary>
    public static string Json(Random random) => random.Next(30) switch
    {
        0 => new string('[', 100) + new string(']', 100),
        1 => "{" + string.Join(',', Enumerable.Range(0, 1_000).Select(static i => $"\"k{i}\":{i}")) + "}",
        2 => "[" + string.Join(',', Enumerable.Repeat("{}", 2_000)) + "]",
        < 18 => JsonValue.Create(Text(random))!.ToJsonString(),
        _ => Raw[random.Next(Raw.Length)],
    };
}
