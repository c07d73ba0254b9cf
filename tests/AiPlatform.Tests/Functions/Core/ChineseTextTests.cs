using System.Text.RegularExpressions;
using AiPlatform.Contracts;
using AiPlatform.DataFiles.Reports;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Texts;
using AiPlatform.Local.Servers;
using AiPlatform.Tracking.Runs;

namespace AiPlatform.Tests.Functions.Core;

/// <summary>Chinese answers are Chinese: every text, filled in, has no English word but names that have no other form.</summary>
[Trait("Area", "All")]
public sealed partial class ChineseTextTests
{
    // Names of formats, fields and values of the API, and what a language of conditions is written in.
    private static readonly HashSet<string> Names = new(
        [
            "API", "CSV", "TSV", "JSON", "JSON Lines", "Lines", "Parquet", "GIF", "PNG", "JPEG", "WebP", "GPU", "ID", "NUL", "POSIX", "SHA", "URI", "UTF", "UUID", "PSI", "IPv", "UTC",
            "base", "cron", "gzip", "zip", "tar", "gz", "http", "https", "job", "run", "project", "and", "or", "in", "contains", "startswith", "endswith", "matches", "null", "true", "false", "tab",
            "archive", "container", "url", "code", "recipe", "inputs", "outputs", "params", "latest", "staging", "production", "model", "max_value", "value_ranges", "quantiles", "min", "max",
            "warning", "critical", "dayFirst", "monthFirst", "limit_exceeded", "Cram", "Pearson", "Spearman", "Kolmogorov", "Smirnov",
        ],
        StringComparer.Ordinal);

    public static TheoryData<string> Catalogues() => ["errors", "report"];

    [Theory]
    [MemberData(nameof(Catalogues))]
    public void Chinese_texts_have_no_english_words(string catalogue)
    {
        var left = Texts(catalogue).Select(static text => (text.Key, Words: Leftovers(text.Chinese))).Where(static text => text.Words.Count > 0)
            .Select(static text => $"{text.Key}: {string.Join(", ", text.Words)}").ToList();
        Assert.True(left.Count == 0, string.Join('\n', left));
    }

    [Theory]
    [MemberData(nameof(Catalogues))]
    public void Both_languages_have_the_same_placeholders(string catalogue)
    {
        var texts = Texts(catalogue).ToList();
        Assert.InRange(texts.Count, 100, int.MaxValue);
        Assert.All(texts, static text => Assert.Equal((text.Key, Marks(text.EnglishRaw)), (text.Key, Marks(text.ChineseRaw))));
    }

    [Fact]
    public void An_english_word_would_be_found() => Assert.Equal(["waiting"], Leftovers("作业状态：waiting。"));

    [Fact]
    public void Words_of_statuses_and_kinds_that_answers_use_are_known()
    {
        var root = RepositoryFolders.Root;
        var used = Sources(Path.Combine(root, "functions"))
            .SelectMany(static text => Kinds().Matches(text).Select(static match => match.Groups["kind"].Value))
            .Concat(typeof(ErrorCodes).Assembly.GetTypes().Where(static type => type.IsEnum && (type.Name is "JobStatus" or "AttemptStatus" or "QueueTaskStatus" or "RunStatus"
                or "DatasetImportStatus" or "QualityReportStatus" or "PromotionStatus" or "DatasetVersionStatus")).SelectMany(ExpectedShape.Names))
            .Distinct(StringComparer.Ordinal).ToList();
        Assert.InRange(used.Count, 40, int.MaxValue);
        Assert.All(used, static word => Assert.Contains($"word.{word}", TextCatalog.Keys(chinese: true)));
    }

    [Fact]
    public void Sentences_that_are_kept_in_english_are_told_in_chinese()
    {
        foreach (var key in TextCatalog.Keys(chinese: false).Where(static key => key.StartsWith("said.", StringComparison.Ordinal)))
        {
            var english = Sentences.English(key["said.".Length..], "17", "23", "31");
            Assert.Equal(key["said.".Length..], Sentences.KeyOf(english));
            var chinese = Sentences.Told(english, chinese: true);
            Assert.True(Leftovers(chinese).Count == 0, $"{key}: {chinese}");
            Assert.All(new[] { "17", "23", "31" }, value => Assert.Equal(english.Contains(value, StringComparison.Ordinal), chinese.Contains(value, StringComparison.Ordinal)));
            Assert.Equal(english, Sentences.Told(english, chinese: false));
        }
    }

    [Fact]
    public void What_the_code_of_others_says_is_left_as_it_is()
    {
        Assert.Null(Sentences.KeyOf("ValueError: nothing to train on"));
        Assert.Equal("ValueError: nothing to train on", Sentences.Told("ValueError: nothing to train on", chinese: true));
        Assert.Equal("进程 0 以退出码 1 结束：ValueError: nothing", Sentences.Told("rank 0 exited with code 1: ValueError: nothing", chinese: true));
    }

    // Sentences arise far from their texts: one that was changed there would stay English.
    [Fact]
    public void Every_sentence_arises_somewhere_in_the_source()
    {
        var root = RepositoryFolders.Root;
        var source = string.Join('\n', new[] { "functions", "orchestrations", "gpu-runner" }.SelectMany(part => Sources(Path.Combine(root, part))));
        var lost = TextCatalog.Keys(chinese: false).Where(static key => key.StartsWith("said.", StringComparison.Ordinal))
            .Where(key => !source.Contains($"\"{key["said.".Length..]}\"", StringComparison.Ordinal)
                && !Placeholder().Split(ErrorCatalog.Raw(key, chinese: false)).Select(static part => part.Trim(' ', '.', ',', ':'))
                    .Any(part => part.Length >= 8 && source.Contains(part, StringComparison.Ordinal))).ToList();
        Assert.True(lost.Count == 0, string.Join(", ", lost));
    }

    private static IEnumerable<(string Key, string Chinese, string EnglishRaw, string ChineseRaw)> Texts(string catalogue)
    {
        object[] values = ["1", "2", "3", "4"];
        // A placeholder of a time takes a time.
        object[] Values(string raw) => [.. values.Select((value, index) => raw.Contains($"{{{index}:u}}", StringComparison.Ordinal) ? DateTimeOffset.UnixEpoch : value)];
        return catalogue == "errors"
            ? TextCatalog.Keys(chinese: true).Select(key => (key, ErrorCatalog.Message(key, chinese: true, Values(ErrorCatalog.Raw(key, chinese: true))), ErrorCatalog.Raw(key, chinese: false), ErrorCatalog.Raw(key, chinese: true)))
            : ReportTexts.Keys(chinese: true).Select(key => (key, new ReportTexts(chinese: true).Format(key, values), new ReportTexts(chinese: false)[key], new ReportTexts(chinese: true)[key]));
    }

    private static List<string> Leftovers(string text)
        => [.. Word().Matches(Example().Replace(text, string.Empty)).Select(static match => match.Value).Where(static word => word.Length > 1 && !Names.Contains(word))];

    private static string Marks(string text) => string.Join(' ', Placeholder().Matches(text).Select(static match => match.Value).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal));

    private static IEnumerable<string> Sources(string folder) => Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories)
        .Where(static file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal) && !file.Contains("/templates/", StringComparison.Ordinal))
        .Select(File.ReadAllText);

    [GeneratedRegex(@"[A-Za-z][A-Za-z_]*", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Word();

    // Examples of values: a UUID, a time, a code point.
    [GeneratedRegex(@"[0-9a-f]{8}-[0-9a-f-]{27}|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\dZ|U\+0000|\\u0000", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Example();

    [GeneratedRegex(@"\{\d(:[a-z]+)?\}", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Placeholder();

    [GeneratedRegex("(NotFound|AlreadyExists|IllegalTransition)\\(\"(?<kind>[A-Za-z]+)\"", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Kinds();
}
