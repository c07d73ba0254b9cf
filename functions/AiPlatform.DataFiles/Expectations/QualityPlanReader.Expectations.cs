using System.Globalization;
using AiPlatform.DataFiles.Profiles;
using YamlDotNet.RepresentationModel;
using Needs = AiPlatform.DataFiles.Expectations.ExpectationTypes.Needs;

namespace AiPlatform.DataFiles.Expectations;

/// <summary>Reads expectations.</summary>
public static partial class QualityPlanReader
{
    private const int MaxQuantiles = 100;

    private static readonly string[] KnownKwargs =
    [
        "column", "mostly", "min_value", "max_value", "strict_min", "strict_max", "value_set", "column_list", "column_set", "regex", "type_", "type_list", "value", "exact_match",
        "column_A", "column_B", "or_equal", "ignore_row_if", "value_pairs_set", "quantile_ranges", "allow_relative_error", "sum_total", "strictly",
        .. WithoutEffect, .. NotSupported,
    ];

    // How results are reported elsewhere, and what texts are taken for, which is found out here.
    private static string[] WithoutEffect =>
        ["result_format", "include_config", "catch_exceptions", "meta", "batch_id", "auto", "parse_strings_as_datetimes", "output_strftime_format", "description", "notes"];

    // They change what is judged: an expectation with one of them must not pass without it.
    private static string[] NotSupported => ["row_condition", "condition_parser"];

    private static readonly string[] Ignorable =
        ["both_values_are_missing", "either_value_is_missing", "all_values_are_missing", "any_value_is_missing", "neither", "never"];

    private static Expectation ReadExpectation(YamlNode node, string path)
    {
        var map = Map(node, path, ["type", "expectation_type", "kwargs", "severity", "meta", "id", "description", "notes", "rendered_content", "ge_cloud_id", "windows"]);
        var type = Text(map, "type", path) ?? Text(map, "expectation_type", path) ?? throw new QualityPlanException($"{path}.type", "is missing");
        var severity = (Text(map, "severity", path) ?? "warning").ToUpperInvariant() switch
        {
            "WARNING" or "INFO" => ExpectationSeverity.Warning,
            "CRITICAL" => ExpectationSeverity.Critical,
            _ => throw new QualityPlanException($"{path}.severity", "is warning or critical"),
        };
        var inner = $"{path}.kwargs";
        if (ExpectationTypes.Find(type) is not { } needs)
        {
            var column = map.TryGetValue("kwargs", out var unknown) && unknown is YamlMappingNode { Children: { } children }
                && children.TryGetValue(new YamlScalarNode("column"), out var named) ? (named as YamlScalarNode)?.Value : null;
            return new Expectation(type, column, 1, severity) { Problem = "this expectation is not known" };
        }

        var kwargs = map.TryGetValue("kwargs", out var given) ? Map(given, inner, KnownKwargs) : [];
        var expectation = ReadKwargs(type, needs, severity, kwargs, inner);
        var hasValues = kwargs.ContainsKey("value_set") || kwargs.ContainsKey("column_list") || kwargs.ContainsKey("column_set") || kwargs.ContainsKey("type_list");
        Check(expectation, needs, hasValues, kwargs.ContainsKey("value") || kwargs.ContainsKey("sum_total"), inner);
        return Array.Find(NotSupported, name => kwargs.ContainsKey(name)) is { } option ? expectation with { Problem = $"{option} is not supported" } : expectation;
    }

    private static Expectation ReadKwargs(string type, Needs needs, ExpectationSeverity severity, Dictionary<string, YamlNode> kwargs, string path)
    {
        var times = needs.HasFlag(Needs.Times) ? Times(kwargs, path) : null;
        var exact = Number(kwargs, "value", path) ?? Number(kwargs, "sum_total", path);
        var (left, right) = (Text(kwargs, "column_A", path), Text(kwargs, "column_B", path));
        var columns = Strings(kwargs, "column_list", path) ?? Strings(kwargs, "column_set", path);
        var ignored = Text(kwargs, "ignore_row_if", path);
        if (ignored is not null && !Ignorable.Contains(ignored))
        {
            throw new QualityPlanException($"{path}.ignore_row_if", $"is one of {string.Join(", ", Ignorable)}");
        }

        var isPair = left is { Length: > 0 } && right is { Length: > 0 };
        return new Expectation(type, Text(kwargs, "column", path), Number(kwargs, "mostly", path) ?? 1, severity)
        {
            Min = exact ?? (times is null ? Number(kwargs, "min_value", path) : null),
            Max = exact ?? (times is null ? Number(kwargs, "max_value", path) : null),
            Times = times,
            StrictMin = Flag(kwargs, "strict_min", path),
            StrictMax = Flag(kwargs, "strict_max", path),
            Values = Strings(kwargs, "value_set", path) ?? Strings(kwargs, "type_list", path) ?? columns ?? [],
            Columns = isPair ? [left!, right!] : columns ?? [],
            Quantiles = Quantiles(kwargs, path),
            Pairs = Pairs(kwargs, path),
            OrEqual = Flag(kwargs, "or_equal", path) || (type.EndsWith("creasing", StringComparison.Ordinal) && !Flag(kwargs, "strictly", path)),
            IgnoreRowIf = ignored,
            Regex = Text(kwargs, "regex", path),
            TypeName = Text(kwargs, "type_", path),
        };
    }

    // Bounds that are no numbers are points in time: 2024-01-31, 2024-01-31T08:00:00Z. Both are, or none is.
    private static (long? Min, long? Max)? Times(Dictionary<string, YamlNode> kwargs, string path)
    {
        var (min, max) = (Time(kwargs, "min_value", path), Time(kwargs, "max_value", path));
        return min is null && max is null ? null
            : (min is null && kwargs.ContainsKey("min_value") && Text(kwargs, "min_value", path) is not null)
                || (max is null && kwargs.ContainsKey("max_value") && Text(kwargs, "max_value", path) is not null)
                ? throw new QualityPlanException($"{path}.min_value", "and max_value are two numbers or two points in time")
                : (min, max);
    }

    private static long? Time(Dictionary<string, YamlNode> kwargs, string name, string path)
        => Text(kwargs, name, path) is { } text && !double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _)
            && ValueParser.TryTime(text.Length > 10 && text[10] == ' ' ? $"{text[..10]}T{text[11..]}" : text, out var ticks, out _)
            ? ticks
            : null;

    private static List<QuantileRange> Quantiles(Dictionary<string, YamlNode> kwargs, string path)
    {
        if (!kwargs.TryGetValue("quantile_ranges", out var node))
        {
            return [];
        }

        var inner = $"{path}.quantile_ranges";
        var map = Map(node, inner, ["quantiles", "value_ranges"]);
        var (shares, ranges) = (Strings(map, "quantiles", inner) ?? [], List(map, "value_ranges", inner));
        if (shares.Count == 0 || shares.Count != ranges.Count || shares.Count > MaxQuantiles)
        {
            throw new QualityPlanException(inner, $"needs as many quantiles as value_ranges, at most {MaxQuantiles}");
        }

        return [.. shares.Zip(ranges, (share, range) =>
        {
            var bounds = range is YamlSequenceNode { Children: [YamlScalarNode low, YamlScalarNode high] }
                ? (Min: Bound(low, inner), Max: Bound(high, inner))
                : throw new QualityPlanException($"{inner}.value_ranges", "is a list of pairs");
            return double.TryParse(share, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && number is >= 0 and <= 1 && !(bounds.Min > bounds.Max)
                ? new QuantileRange(number, bounds.Min, bounds.Max)
                : throw new QualityPlanException($"{inner}.quantiles", "are from 0 to 1, with ranges from low to high");
        })];
    }

    private static double? Bound(YamlScalarNode node, string path) => Scalar(node) is not { } text
        ? null
        : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) ? value : throw new QualityPlanException($"{path}.value_ranges", "has a bound that is not a number");

    private static List<(string? Left, string? Right)> Pairs(Dictionary<string, YamlNode> kwargs, string path)
        => !kwargs.ContainsKey("value_pairs_set") ? [] : List(kwargs, "value_pairs_set", path) is { Count: <= MaxValues } list
            ? list.ConvertAll(node => node is YamlSequenceNode { Children: [YamlScalarNode left, YamlScalarNode right] }
                ? (Scalar(left), Scalar(right))
                : throw new QualityPlanException($"{path}.value_pairs_set", "is a list of pairs"))
            : throw new QualityPlanException($"{path}.value_pairs_set", $"is a list of at most {MaxValues} pairs");

    private static void Check(Expectation expectation, Needs needs, bool hasValues, bool isExact, string path)
    {
        void Require(Needs need, bool isThere, string name)
        {
            if (needs.HasFlag(need) && !isThere)
            {
                throw new QualityPlanException($"{path}.{name}", "is missing");
            }
        }

        Require(Needs.Column, expectation.Column is { Length: > 0 }, "column");
        Require(Needs.Bounds, expectation.Min is not null || expectation.Max is not null || expectation.Times is not null, "min_value");
        Require(Needs.Values, hasValues, "value_set");
        Require(Needs.Regex, expectation.Regex is not null, "regex");
        Require(Needs.TypeName, expectation.TypeName is not null, "type_");
        Require(Needs.Exact, isExact, "value");
        Require(Needs.Pair, expectation.Columns.Count == 2, "column_A");
        Require(Needs.Columns, expectation.Columns.Count >= 2, "column_list");
        Require(Needs.Quantiles, expectation.Quantiles.Count > 0, "quantile_ranges");
        Require(Needs.Pairs, expectation.Pairs.Count > 0, "value_pairs_set");
        if (expectation.Mostly is not (>= 0 and <= 1))
        {
            throw new QualityPlanException($"{path}.mostly", "is from 0 to 1");
        }

        if (expectation is { Min: { } min, Max: { } max } && min > max || expectation.Times is { Min: { } first, Max: { } last } && first > last)
        {
            throw new QualityPlanException($"{path}.min_value", "is greater than max_value");
        }

        if (expectation.Regex is { } regex)
        {
            try
            {
                _ = CompileRegex(regex);
            }
            catch (Exception exception) when (exception is ArgumentException or NotSupportedException)
            {
                throw new QualityPlanException($"{path}.regex", exception.Message);
            }
        }
    }
}
