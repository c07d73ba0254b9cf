using System.Text;
using AiPlatform.DataFiles;
using AiPlatform.DataFiles.Drift;
using AiPlatform.DataFiles.Expectations;
using AiPlatform.DataFiles.Images;
using AiPlatform.DataFiles.Pii;
using AiPlatform.DataFiles.Quality;
using AiPlatform.Orchestrations.Platform;
using Microsoft.DurableTask;

namespace AiPlatform.Tests.DataFiles;

/// <summary>What cannot be read, or holds nothing, never passes nor scores well.</summary>
public sealed class QualityVerdictTests
{
    [Theory]
    [InlineData("empty.csv", "", DataErrors.Empty)]
    [InlineData("blank.csv", "\n\n", DataErrors.Empty)]
    [InlineData("empty.jsonl", "", DataErrors.Empty)]
    [InlineData("cut.csv", "a,b,c\n1,2,3\n4,5", DataErrors.Truncated)]
    [InlineData("cut-quote.csv", "a,b\n1,2\n3,\"text that en", DataErrors.Truncated)]
    [InlineData("cut.jsonl", "{\"a\":1}\n{\"a\":2}\n{\"a\":", DataErrors.Truncated)]
    [InlineData("none.jsonl", "no JSON at all\n", DataErrors.JsonLine)]
    [InlineData("cut.parquet", "PAR1 but no more", DataErrors.Truncated)]
    public async Task A_file_that_is_empty_cut_off_or_unreadable_does_not_pass(string path, string content, string code)
    {
        var document = await QualityTests.AssembleAsync(content, string.Empty, path);
        Assert.Equal((path, code), document.UnreadableFiles.Select(static issue => (issue.File, issue.Code)).Single());
        Assert.False(document.Passed);
        Assert.InRange(document.Score, 0, 75);
    }

    [Theory]
    [InlineData("a,b\n1,2\n3,4")]
    [InlineData("a,b\n1,2\n3,")]
    public async Task A_last_record_without_an_end_that_is_whole_passes(string content) => Assert.True((await QualityTests.AssembleAsync(content, string.Empty)).Passed);

    [Fact]
    public async Task A_file_of_a_header_only_neither_passes_nor_scores_well()
    {
        var document = await QualityTests.AssembleAsync("id,name\n", string.Empty);
        Assert.Equal((false, "noRows"), (document.Passed, document.Findings[0].Code));
        Assert.InRange(document.Score, 0, 20);
    }

    [Fact]
    public void A_version_that_nothing_could_be_read_of_has_no_score()
    {
        var document = QualityAssembler.Assemble(new QualitySubject("set", 1, DateTimeOffset.UnixEpoch, 3, 100, 0, null), [QualityPart.Empty], QualityPlan.Empty, null);
        Assert.Equal((0d, false, "nothingRead"), (document.Score, document.Passed, Assert.Single(document.Findings).Code));
    }

    [Fact]
    public void A_corrupt_image_among_many_does_not_pass()
    {
        var batch = ImageBatch.Empty;
        for (var i = 0; i < 20; i++)
        {
            batch = batch.With($"a/{i}.png", new ImageInfo(ImageFormat.Png, 3, 3, i == 7 ? "a checksum is wrong" : null));
        }

        var document = QualityAssembler.Assemble(
            new QualitySubject("set", 1, DateTimeOffset.UnixEpoch, 20, 100, 0, null), [QualityPart.Empty with { Images = batch }], QualityPlan.Empty, null);
        Assert.False(document.Passed);
    }

    [Fact]
    public async Task Values_that_went_missing_are_drift()
    {
        static string Table(int missing) => "id,number,text\n" + string.Concat(Enumerable.Range(0, 200).Select(i => i % 100 < missing ? $"{i},,\n" : $"{i},{i % 7},some words {i}\n"));
        var before = await ProfileTests.PartAsync(Table(0), QualityPlan.Empty);
        foreach (var (missing, drifted) in new[] { (0, false), (3, false), (95, true), (100, true) })
        {
            var now = await ProfileTests.PartAsync(Table(missing), QualityPlan.Empty);
            var columns = Assert.Single(DriftDetector.Compare(before.Sketches, now.Sketches)).Columns;
            foreach (var column in (string[])["number", "text"])
            {
                Assert.Equal(drifted, columns.Any(found => found.Column == column && found.HasDrifted));
            }
        }
    }

    [Theory]
    [InlineData("40", 13, 3)]
    [InlineData("4", 16, 3)]
    [InlineData("51", 16, 5)]
    public async Task Article_numbers_and_ids_that_happen_to_have_a_check_digit_are_no_cards(string prefix, int digits, int seed)
    {
        var random = new Random(seed);
        var text = new StringBuilder("id,article\n");
        for (var row = 0; row < 2000; row++)
        {
            var number = prefix + string.Concat(Enumerable.Range(0, digits - prefix.Length - 1).Select(_ => random.Next(10)));
            text.Append(row).Append(',').Append(number).Append(digits == 13 ? Ean(number) : (char)('0' + random.Next(10))).Append('\n');
        }

        var part = await ProfileTests.PartAsync(text.ToString(), QualityPlan.Empty);
        Assert.DoesNotContain(part.Tables[0].Columns.SelectMany(static column => column.Pii), static finding => finding.Kind == PiiKind.Card);
    }

    [Fact]
    public async Task A_column_of_cards_is_one_and_a_card_in_a_sentence_is_found_among_numbers()
    {
        var cards = await ProfileTests.PartAsync("id,card\n1,4111111111111111\n2,5500000000000004\n3,340000000000009\n4,\n", QualityPlan.Empty);
        Assert.Equal((PiiKind.Card, 3L), cards.Tables[0].Columns[1].Pii.Select(static finding => (finding.Kind, finding.Rows)).Single());
        var rows = string.Concat(Enumerable.Range(0, 50).Select(static i => $"{i},{1234567890123450 + i}\n"));
        var mixed = await ProfileTests.PartAsync($"id,note\n{rows}50,paid with 4111 1111 1111 1111\n", QualityPlan.Empty);
        Assert.Equal((PiiKind.Card, 1L), mixed.Tables[0].Columns[1].Pii.Select(static finding => (finding.Kind, finding.Rows)).Single());
    }

    [Theory]
    [InlineData("AiPlatform.DataFiles.DataFormatException", false)]
    [InlineData("AiPlatform.DataFiles.Expectations.QualityPlanException", false)]
    [InlineData("AiPlatform.Orchestrations.Platform.PlatformRefusedException", false)]
    [InlineData("System.ArgumentOutOfRangeException", false)]
    [InlineData("System.OverflowException", false)]
    [InlineData("System.InvalidOperationException", false)]
    [InlineData("System.ObjectDisposedException", true)]
    [InlineData("System.IO.IOException", true)]
    [InlineData("System.IO.EndOfStreamException", true)]
    [InlineData("System.Net.Http.HttpRequestException", true)]
    [InlineData("System.TimeoutException", true)]
    [InlineData("System.Threading.Tasks.TaskCanceledException", true)]
    [InlineData("some.other.language.Error", true)]
    public void Only_what_may_pass_is_tried_again(string type, bool mayPass) => Assert.Equal(mayPass, LastingFailure.MayPass(new TaskFailureDetails(type, "message", null, null, null)));

    private static char Ean(string digits) => (char)('0' + ((10 - (digits.Select(static (digit, index) => (digit - '0') * (index % 2 == 0 ? 1 : 3)).Sum() % 10)) % 10));
}
