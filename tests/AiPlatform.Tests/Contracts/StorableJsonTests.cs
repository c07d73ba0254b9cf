using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using AiPlatform.Contracts;
using CsCheck;

namespace AiPlatform.Tests.Contracts;

public sealed class StorableJsonTests
{
    private static readonly string[] Samples = ["中", "a", "é", "\"", "\\", "/", "\n", "\u0001", " ", "😀"];
    private static readonly JsonSerializerOptions Shortest = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    [Theory]
    [InlineData("\"\\u0000\"", JsonFault.Nul)]
    [InlineData("{\"a\\u0000\":1}", JsonFault.Nul)]
    [InlineData("\"\\\\u0000\"", JsonFault.None)] // The five characters after a backslash.
    [InlineData("\"\\\\\\u0000\"", JsonFault.Nul)]
    [InlineData("\"\\ud800\"", JsonFault.Surrogate)]
    [InlineData("\"\\udc00\\ud800\"", JsonFault.Surrogate)]
    [InlineData("\"\\ud83d\\ude00\"", JsonFault.None)]
    [InlineData("\"\\ud83dx\\ude00\"", JsonFault.Surrogate)]
    [InlineData("\"\\ud83d\\n\"", JsonFault.Surrogate)]
    [InlineData("[1e308,-1.5E-300]", JsonFault.None)]
    [InlineData("[1e309]", JsonFault.Number)]
    [InlineData("1e131000", JsonFault.Number)]
    [InlineData("1e-200000", JsonFault.Number)]
    [InlineData("0e99999999999", JsonFault.Number)]
    [InlineData("[true,false,null,\"\",{}]", JsonFault.None)]
    public void What_a_database_cannot_hold_is_named(string json, JsonFault fault)
        => Assert.Equal(fault, StorableJson.Check(JsonElement.Parse(json), 1_000));

    [Fact]
    public void Nesting_ends_where_envelopes_around_it_could_still_be_read()
    {
        static string Nested(int depth) => new string('[', depth) + new string(']', depth);
        Assert.Equal(JsonFault.None, StorableJson.Check(JsonElement.Parse(Nested(StorableJson.MaxDepth)), 1_000));
        Assert.Equal(JsonFault.Depth, StorableJson.Check(JsonElement.Parse(Nested(StorableJson.MaxDepth + 1)), 1_000));
        Assert.Equal(JsonValueKind.Array, JsonElement.Parse($"{{\"items\":[{{\"task\":{{\"payload\":{Nested(StorableJson.MaxDepth)}}}}}]}}").GetProperty("items").ValueKind);
    }

    [Fact]
    public void The_size_is_that_of_the_shortest_form_however_it_is_written()
        => Gen.Int[0, Samples.Length - 1].Array[0, 40].Sample(parts =>
        {
            var text = string.Concat(parts.Select(static i => Samples[i]));
            var size = 3 + text.EnumerateRunes().Sum(static rune => rune.Value is '"' or '\\' or '\n' ? 2 : Rune.IsControl(rune) ? 6 : rune.Utf8SequenceLength);
            // The default encoder writes \uXXXX wherever it can, the other one hardly anywhere.
            foreach (var json in (JsonElement[])[JsonSerializer.SerializeToElement(text), JsonElement.Parse(JsonSerializer.Serialize(text, Shortest))])
            {
                Assert.Equal((JsonFault.None, JsonFault.Size), (StorableJson.Check(json, size), StorableJson.Check(json, size - 1)));
            }
        });

    [Fact]
    public void Text_for_people_is_cleaned_and_cut_between_characters()
    {
        Assert.Equal("ab", StorableText.Of("a\0b", 10));
        Assert.Equal("a\uFFFDb", StorableText.Of("a\uD800b", 10));
        Assert.Equal("a", StorableText.Of("a😀", 2));
        Assert.Equal("a😀", StorableText.Of("a😀", 3));
        Gen.Select(Gen.String, Gen.Int[0, 20]).Sample((text, max) =>
        {
            var clean = StorableText.Of(text, max);
            Assert.True(clean.Length <= max);
            Assert.DoesNotContain('\0', clean);
            Assert.Equal(clean, new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(new UTF8Encoding(false, throwOnInvalidBytes: true).GetBytes(clean)));
        });
    }
}
