using System.Globalization;
using System.Text.RegularExpressions;
using AiPlatform.DataFiles.Quality;
using AiPlatform.DataFiles.Tables;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace AiPlatform.DataFiles.Expectations;

/// <summary>
/// Reads a plan from YAML (or JSON, which is YAML). Expectations are written as Great Expectations writes them: <c>type</c> (or
/// <c>expectation_type</c>), <c>kwargs</c>, <c>severity</c>. What is unknown is never ignored: an expectation that is not known fails, alone
/// and with the reason; anything else is refused.
/// </summary>
public static partial class QualityPlanReader
{
    /// <summary>Characters of a plan at most.</summary>
    public const int MaxLength = 256 * 1024;

    private const int MaxExpectations = 500;
    private const int MaxValues = 10_000;
    private static readonly TimeSpan RegexTimeout = TimeSpan.FromSeconds(1);

    /// <summary>Reads a plan.</summary>
    /// <exception cref="QualityPlanException">It is none; the exception says where and why.</exception>
    public static QualityPlan Parse(string yaml)
    {
        if (yaml.Length > MaxLength)
        {
            throw new QualityPlanException("$", $"longer than {MaxLength} characters");
        }

        var stream = new YamlStream();
        try
        {
            stream.Load(new StringReader(yaml));
        }
        catch (YamlException exception)
        {
            throw new QualityPlanException($"line {exception.Start.Line}", (exception.InnerException?.Message ?? exception.Message).TrimEnd('.'));
        }

        if (stream.Documents.Count == 0)
        {
            return QualityPlan.Empty;
        }

        var root = Map(stream.Documents[0].RootNode, "$", ["label", "reading", "expectations", "rules", "name", "data_asset_type", "meta", "ge_cloud_id", "expectation_suite_name"]);
        var expectations = List(root, "expectations", "$");
        var rules = List(root, "rules", "$");
        if (expectations.Count + rules.Count > MaxExpectations)
        {
            throw new QualityPlanException("$", $"more than {MaxExpectations} expectations and rules");
        }

        return new QualityPlan(
            Text(root, "label", "$"),
            [.. expectations.Select(static (node, index) => ReadExpectation(node, $"expectations[{index}]"))],
            [.. rules.Select(static (node, index) => ReadRule(node, $"rules[{index}]"))])
        {
            Reading = root.TryGetValue("reading", out var reading) ? ReadReading(reading) : ReadOptions.Detect,
        };
    }

    /// <summary>The expression as it is applied: without backtracking, so that none takes longer than its text is long.</summary>
    internal static Regex CompileRegex(string regex) => new(regex, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant, RegexTimeout);

    private static ReadOptions ReadReading(YamlNode node)
    {
        const string Path = "reading";
        var map = Map(node, Path, ["encoding", "delimiter", "quote", "header", "skippedLines", "dateOrder"]);
        var encoding = Text(map, "encoding", Path);
        if (encoding is not null && !ReadOptions.IsEncoding(encoding))
        {
            throw new QualityPlanException($"{Path}.encoding", $"“{encoding}” is not known");
        }

        var lines = Number(map, "skippedLines", Path);
        if (lines is not null and not (>= 0 and <= ReadOptions.MaxSkippedLines))
        {
            throw new QualityPlanException($"{Path}.skippedLines", $"is from 0 to {ReadOptions.MaxSkippedLines}");
        }

        return new ReadOptions(
            encoding, Mark(map, "delimiter", Path), Mark(map, "quote", Path), map.ContainsKey("header") ? Flag(map, "header", Path) : null, (int?)lines,
            Text(map, "dateOrder", Path) switch
            {
                null => null,
                "dayFirst" => DateOrder.DayFirst,
                "monthFirst" => DateOrder.MonthFirst,
                _ => throw new QualityPlanException($"{Path}.dateOrder", "is dayFirst or monthFirst"),
            });
    }

    private static char? Mark(Dictionary<string, YamlNode> map, string name, string path)
    {
        var text = Text(map, name, path) is "tab" ? "\t" : Text(map, name, path);
        return text is null ? null : text.Length == 1 && ReadOptions.IsMark(text[0]) ? text[0] : throw new QualityPlanException($"{path}.{name}", "is one character, or tab");
    }

    private static QualityRule ReadRule(YamlNode node, string path)
    {
        var map = Map(node, path, ["metric", "min", "max", "block"]);
        var metric = Text(map, "metric", path) ?? throw new QualityPlanException($"{path}.metric", "is missing");
        if (!QualityMetrics.Names.Contains(metric))
        {
            throw new QualityPlanException($"{path}.metric", $"“{metric}” is not one of {string.Join(", ", QualityMetrics.Names)}");
        }

        var rule = new QualityRule(metric, Number(map, "min", path), Number(map, "max", path), Flag(map, "block", path));
        return rule.Min is null && rule.Max is null ? throw new QualityPlanException(path, "needs min or max") : rule;
    }

    private static Dictionary<string, YamlNode> Map(YamlNode node, string path, string[] known)
    {
        if (node is not YamlMappingNode mapping)
        {
            throw new QualityPlanException(path, "is not a mapping");
        }

        var map = new Dictionary<string, YamlNode>(StringComparer.Ordinal);
        foreach (var (key, value) in mapping.Children)
        {
            var name = (key as YamlScalarNode)?.Value ?? throw new QualityPlanException(path, "has a key that is not a text");
            map[name] = known.Contains(name) ? value : throw new QualityPlanException($"{path}.{name}", "is not known");
        }

        return map;
    }

    private static List<YamlNode> List(Dictionary<string, YamlNode> map, string name, string path) => !map.TryGetValue(name, out var node)
        ? []
        : node is YamlSequenceNode list ? [.. list.Children] : throw new QualityPlanException($"{path}.{name}", "is not a list");

    private static string? Text(Dictionary<string, YamlNode> map, string name, string path) => !map.TryGetValue(name, out var node)
        ? null
        : node is YamlScalarNode scalar ? Scalar(scalar) : throw new QualityPlanException($"{path}.{name}", "is not a text");

    private static string? Scalar(YamlScalarNode scalar)
        => scalar.Style == ScalarStyle.Plain && scalar.Value is null or "" or "~" or "null" ? null : scalar.Value;

    private static double? Number(Dictionary<string, YamlNode> map, string name, string path) => Text(map, name, path) is not { } text
        ? null
        : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && double.IsFinite(value)
            ? value
            : throw new QualityPlanException($"{path}.{name}", "is not a number");

    private static bool Flag(Dictionary<string, YamlNode> map, string name, string path) => Text(map, name, path) switch
    {
        null => false,
        "true" or "True" => true,
        "false" or "False" => false,
        _ => throw new QualityPlanException($"{path}.{name}", "is true or false"),
    };

    private static List<string>? Strings(Dictionary<string, YamlNode> map, string name, string path)
    {
        if (!map.ContainsKey(name))
        {
            return null;
        }

        var list = List(map, name, path);
        return list.Count <= MaxValues && list.TrueForAll(static node => node is YamlScalarNode { Value: not null })
            ? list.ConvertAll(static node => ((YamlScalarNode)node).Value!)
            : throw new QualityPlanException($"{path}.{name}", $"is a list of at most {MaxValues} values");
    }
}
