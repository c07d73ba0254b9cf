using System.Net.Http.Headers;
using System.Text;

namespace AiPlatform.Fuzz.Routes;

/// <summary>A request of a fuzzer, as it is kept: a line, headers, an empty line, the body.</summary>
/// <param name="Method">The method.</param>
/// <param name="Url">Path and query.</param>
/// <param name="Headers">Besides the token.</param>
/// <param name="Body">Null for none.</param>
internal sealed record FuzzRequest(string Method, string Url, IReadOnlyList<(string Name, string Value)> Headers, byte[]? Body)
{
    private static readonly Encoding Bytes = Encoding.Latin1;

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    public static FuzzRequest Read(byte[] kept)
    {
        var end = kept.AsSpan().IndexOf("\n\n"u8);
        var lines = Bytes.GetString(kept.AsSpan(0, end < 0 ? kept.Length : end)).TrimEnd('\n').Split('\n');
        var first = lines[0].Split(' ', 2);
        return new FuzzRequest(
            first[0], first[1], [.. lines.Skip(1).Select(static line => line.Split(": ", 2)).Select(static pair => (pair[0], pair[1]))], end < 0 ? null : kept[(end + 2)..]);
    }

    /// <summary>The bytes to keep.</summary>
    public byte[] Write()
        => [.. Bytes.GetBytes($"{Method} {Url}{string.Concat(Headers.Select(static header => $"\n{header.Name}: {header.Value}"))}"), .. Body is null ? [] : (byte[])[.. "\n\n"u8, .. Body]];

    /// <summary>The same with names replaced by values, in the path and in the body.</summary>
    public FuzzRequest With(params (string Name, string Value)[] values)
    {
        string Replaced(string text) => values.Aggregate(text, static (found, pair) => found.Replace(pair.Name, pair.Value, StringComparison.Ordinal));
        return this with { Url = Replaced(Url), Body = Body is null ? null : Bytes.GetBytes(Replaced(Bytes.GetString(Body))) };
    }

    /// <summary>The message to send; null where the client itself refuses it.</summary>
    public HttpRequestMessage? ToMessage()
    {
        if (!Uri.TryCreate(Url, UriKind.Relative, out var url))
        {
            return null;
        }

        var message = new HttpRequestMessage(new HttpMethod(Method), url);
        if (Body is { } body)
        {
            message.Content = new ByteArrayContent(body);
        }

        foreach (var (name, value) in Headers)
        {
            HttpHeaders? headers = name.StartsWith("Content-", StringComparison.OrdinalIgnoreCase) ? message.Content?.Headers : message.Headers;
            headers?.TryAddWithoutValidation(name, value);
        }

        return message;
    }
}
