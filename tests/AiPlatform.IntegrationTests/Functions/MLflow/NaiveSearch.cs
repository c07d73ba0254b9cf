using System.Globalization;
using CsCheck;

namespace AiPlatform.IntegrationTests.Functions.MLflow;

/// <summary>A clause of a filter, and what it means, said in the plainest way.</summary>
internal sealed record NaiveClause(string Text, Func<NaiveRun, bool> Holds);

/// <summary>A column of an order, and what it means.</summary>
internal sealed record NaiveOrder(string Text, Comparison<NaiveRun> Compare);

/// <summary>Makes clauses and orders of MLflow's grammar together with their meaning.</summary>
internal static class NaiveSearch
{
    public static readonly double[] Numbers = [-1.5, 0, 0.25, 1, 3e2, double.NaN, double.PositiveInfinity, double.NegativeInfinity];
    public static readonly string[] Texts = ["a", "A", "ab", "a_b", "a%b", "b c", "", "x'y"];
    public static readonly string[] Keys = ["k", "my key", "a.b"];
    public static readonly string[] Statuses = ["RUNNING", "FINISHED", "FAILED"];
    private static readonly string[] Patterns = ["a%", "%b", "_", "a_b", "%", "", "A%", "%_%", "b c"];
    private static readonly string[] TextSigns = ["=", "!=", "<>", "LIKE", "ILIKE", "like", "ilike"];
    private static readonly string[] NumberSigns = ["=", "!=", "<>", "<", "<=", ">", ">="];

    private static readonly Gen<NaiveClause> Metric =
        Gen.Select(Pick("metric", "metrics"), Pick(Keys), Pick(NumberSigns), Pick(Numbers.Where(double.IsFinite).ToArray()), (kind, key, sign, number) =>
            new NaiveClause($"{kind}.{Quote(key)} {sign} {Text(number)}", run => run.Metrics.TryGetValue(key, out var value) && Number(sign, value, number)));

    private static readonly Gen<NaiveClause> Entry =
        Gen.Select(Gen.Bool, Pick(Keys), Pick(TextSigns), Pick(Texts.Where(text => !text.Contains('\'', StringComparison.Ordinal)).ToArray()), Pick(Patterns), (isParam, key, sign, text, pattern) =>
        {
            var value = sign.EndsWith("like", StringComparison.OrdinalIgnoreCase) ? pattern : text;
            return new NaiveClause(
                $"{(isParam ? "params" : "tag")}.{Quote(key)} {sign} '{value}'", run => (isParam ? run.Params : run.Tags).TryGetValue(key, out var own) && Matches(sign, own, value));
        });

    private static readonly Gen<NaiveClause> Missing =
        Gen.Select(Pick(Keys), Gen.Bool, (key, missing) => new NaiveClause($"tags.{Quote(key)} IS {(missing ? "" : "NOT ")}NULL", run => run.Tags.ContainsKey(key) != missing));

    private static readonly Gen<NaiveClause> Time =
        Gen.Select(Pick("start_time", "attributes.created", "attr.end_time"), Pick(NumberSigns), Gen.Long[1, 6], (name, sign, number) =>
            new NaiveClause($"{name} {sign} {number}", run => (name.EndsWith("end_time", StringComparison.Ordinal) ? run.End : run.Start) is { } time && Number(sign, time, number)));

    private static readonly Gen<NaiveClause> Attribute =
        Gen.Select(Pick("status", "run.run_name", "`run name`"), Pick(TextSigns), Pick("a", "b", "ab", "A"), Pick(Statuses), Pick(Patterns), (name, sign, text, status, pattern) =>
        {
            var isLike = sign.EndsWith("like", StringComparison.OrdinalIgnoreCase);
            var value = isLike ? pattern : name == "status" ? status : text;
            return new NaiveClause($"{name} {sign} '{value}'", run => Matches(sign, name == "status" ? run.Status : run.Name, value));
        });

    private static readonly Gen<NaiveClause> Dataset =
        Gen.Select(Pick("name", "digest", "context"), Pick([.. TextSigns, "IN", "NOT IN"]), Pick("d1", "d2", "train"), Pick("d%", "_1", "T%"), (key, sign, text, pattern) =>
        {
            var isList = sign.EndsWith("IN", StringComparison.Ordinal);
            var value = sign.EndsWith("like", StringComparison.OrdinalIgnoreCase) ? pattern : text;
            return new NaiveClause($"dataset.{key} {sign} {(isList ? $"('{text}', 'other')" : $"'{value}'")}", run => run.Datasets.Any(dataset =>
                (key switch { "name" => dataset.Name, "digest" => dataset.Digest, _ => dataset.Context }) is { } own
                && (isList ? (own == text || own == "other") == (sign == "IN") : Matches(sign, own, value))));
        });

    /// <summary>Filters of up to four clauses.</summary>
    public static Gen<NaiveClause[]> Filter { get; } = Either(Metric, Metric, Metric, Entry, Entry, Entry, Missing, Time, Attribute, Dataset).Array[0, 4];

    /// <summary>Orders of up to three columns.</summary>
    public static Gen<NaiveOrder[]> Order { get; } = Either(
        Gen.Select(Pick(Keys), Gen.Bool, (key, ascending) => new NaiveOrder($"metrics.{Quote(key)} {(ascending ? "ASC" : "desc")}", (left, right) => Real(Of(left, key), Of(right, key), ascending))),
        Gen.Select(Pick(Keys), Gen.Bool, Gen.Bool, (key, isParam, ascending) => new NaiveOrder(
            $"{(isParam ? "params" : "tags")}.{Quote(key)}{(ascending ? "" : " DESC")}",
            (left, right) => Nullable((isParam ? left.Params : left.Tags).GetValueOrDefault(key), (isParam ? right.Params : right.Tags).GetValueOrDefault(key), string.CompareOrdinal, ascending))),
        Gen.Select(Pick("start_time", "end_time"), Gen.Bool, (name, ascending) => new NaiveOrder($"attribute.{name} {(ascending ? "asc" : "DESC")}", (left, right) =>
            Real(name == "end_time" ? left.End : left.Start, name == "end_time" ? right.End : right.Start, ascending)))).Array[0, 3];

    /// <summary>One of these.</summary>
    public static Gen<T> Pick<T>(params T[] items) => Gen.Int[0, items.Length - 1].Select(index => items[index]);

    /// <summary>What one of these makes.</summary>
    private static Gen<T> Either<T>(params Gen<T>[] makers) => Gen.Int[0, makers.Length - 1].SelectMany(index => makers[index]);

    /// <summary>What a search has to answer.</summary>
    public static List<string> Evaluate(IEnumerable<NaiveRun> runs, NaiveClause[] filter, NaiveOrder[] order)
    {
        var found = runs.Where(run => filter.All(clause => clause.Holds(run))).ToList();
        found.Sort((left, right) => order.Select(column => column.Compare(left, right)).FirstOrDefault(result => result != 0) is var result and not 0 ? result : NaiveRun.Natural(left, right));
        return found.ConvertAll(run => run.Id);
    }

    private static double? Of(NaiveRun run, string key) => run.Metrics.TryGetValue(key, out var value) ? value : null;

    // Numbers, then NaN, then what is missing: in both directions.
    private static int Real(double? left, double? right, bool ascending)
    {
        var (leftRank, rightRank) = (Rank(left), Rank(right));
        return leftRank != rightRank ? leftRank.CompareTo(rightRank) : leftRank > 0 ? 0 : ascending ? left!.Value.CompareTo(right!.Value) : right!.Value.CompareTo(left!.Value);

        static int Rank(double? value) => value is null ? 2 : double.IsNaN(value.Value) ? 1 : 0;
    }

    private static int Nullable(string? left, string? right, Comparison<string> compare, bool ascending)
        => left is null || right is null ? (left is null).CompareTo(right is null) : ascending ? compare(left, right) : compare(right, left);

    private static bool Number(string sign, double left, double right) => sign switch
    {
        "=" => left == right,
        "!=" or "<>" => left != right,
        "<" => left < right,
        "<=" => left <= right,
        ">" => left > right,
        _ => left >= right,
    };

    private static bool Matches(string sign, string own, string value) => sign.ToUpperInvariant() switch
    {
        "=" => own == value,
        "!=" or "<>" => own != value,
        "LIKE" => Like(own, value),
        _ => Like(own.ToUpperInvariant(), value.ToUpperInvariant()),
    };

    private static bool Like(ReadOnlySpan<char> text, ReadOnlySpan<char> pattern)
    {
        if (pattern.IsEmpty)
        {
            return text.IsEmpty;
        }

        if (pattern[0] != '%')
        {
            return !text.IsEmpty && (pattern[0] == '_' || pattern[0] == text[0]) && Like(text[1..], pattern[1..]);
        }

        for (var i = 0; i <= text.Length; i++)
        {
            if (Like(text[i..], pattern[1..]))
            {
                return true;
            }
        }

        return false;
    }

    private static string Quote(string key) => key == "k" ? key : key == "a.b" ? $"\"{key}\"" : $"`{key}`";

    private static string Text(double number) => number.ToString("R", CultureInfo.InvariantCulture);
}
