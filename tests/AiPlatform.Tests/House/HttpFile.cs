using System.Text.RegularExpressions;

namespace AiPlatform.Tests.House;

/// <summary>The requests of an <c>.http</c> file, in the subset of the format that Visual Studio, Rider and VS Code's REST Client share.</summary>
/// <param name="Variables">Those that the file sets, <c>@name = value</c>.</param>
/// <param name="Requests">In the order of the file.</param>
public sealed partial record HttpFile(IReadOnlyDictionary<string, string> Variables, IReadOnlyList<HttpFile.Request> Requests)
{
    /// <summary>Reads a file.</summary>
    /// <exception cref="FormatException">A line is none of the format; the message says which.</exception>
    public static HttpFile Parse(string text)
    {
        var parts = Separator().Split(text.ReplaceLineEndings("\n"));
        var variables = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in parts[0].Split('\n').Where(static line => line.Length > 0 && line[0] != '#'))
        {
            var set = Variable().Match(line);
            variables.Add(set.Success ? set.Groups["name"].Value : throw new FormatException($"Not a variable: {line}"), set.Groups["value"].Value.Trim());
        }

        return new HttpFile(variables, [.. parts[1..].Select(ParseRequest)]);
    }

    private static Request ParseRequest(string part)
    {
        var lines = part.Split('\n');
        string? name = null;
        var at = 1;
        for (; lines[at].StartsWith('#'); at++)
        {
            var said = Named().Match(lines[at]);
            name = said.Success ? said.Groups["name"].Value : name;
        }

        var first = First().Match(lines[at]);
        if (!first.Success)
        {
            throw new FormatException($"Not a request: {lines[at]}");
        }

        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        for (at++; at < lines.Length && lines[at].Length > 0; at++)
        {
            var header = lines[at].Split(": ", 2);
            headers.Add(header[0], header.Length == 2 ? header[1] : throw new FormatException($"Not a header: {lines[at]}"));
        }

        var body = string.Join('\n', lines[at..]).Trim();
        return new Request(lines[0].Trim(), name, first.Groups["method"].Value, first.Groups["url"].Value, headers, body.Length == 0 ? null : body);
    }

    [GeneratedRegex("^### ", RegexOptions.Multiline, 1_000)]
    private static partial Regex Separator();

    [GeneratedRegex(@"^@(?<name>\w+) = (?<value>.+)$", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Variable();

    [GeneratedRegex(@"^# @name (?<name>\w+)$", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Named();

    [GeneratedRegex("^(?<method>GET|POST|PUT|PATCH|DELETE) (?<url>\\S.*)$", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex First();

    /// <summary>One request, its placeholders as they are written.</summary>
    /// <param name="Title">What the file says it is for.</param>
    /// <param name="Name">How later requests refer to its answer; null when none does.</param>
    /// <param name="Method">The method.</param>
    /// <param name="Url">The address.</param>
    /// <param name="Headers">Its headers.</param>
    /// <param name="Body">Its body; null without one.</param>
    public sealed record Request(string Title, string? Name, string Method, string Url, IReadOnlyDictionary<string, string> Headers, string? Body);
}
