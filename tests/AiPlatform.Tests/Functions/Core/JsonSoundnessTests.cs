using System.Text;
using System.Text.Json;
using AiPlatform.Kernel.Http;
using CsCheck;

namespace AiPlatform.Tests.Functions.Core;

public sealed class JsonSoundnessTests
{
    [Theory]
    [InlineData("""{"a":"plain","b":[1,2.5,-3e10,1e308,1E-324,true,false,null]}""")]
    [InlineData("""{"a":"\\u0000"}""")]
    [InlineData("""{"a":"\\\\u0000 \" \\ud800"}""")]
    [InlineData("""{"a":"\ud83d\ude00 😀 \n\t\/"}""")]
    [InlineData("""{"1e999999":"1e999999","e":1}""")]
    [InlineData("""{"a":0.000e0000000001}""")]
    [InlineData("")]
    [InlineData("[\"unfinished")]
    [InlineData("[\"\\")]
    public void Sound_json_passes(string json) => Assert.Null(JsonSoundness.Problem(Encoding.UTF8.GetBytes(json)));

    [Theory]
    [InlineData("""{"a":"\u0000"}""")]
    [InlineData("""{"\u0000":1}""")]
    [InlineData("""{"a":"\\\u0000"}""")]
    [InlineData("""{"a":"\ud800"}""")]
    [InlineData("""{"a":"\uDFFF"}""")]
    [InlineData("""{"a":"\ud800\ud800\udc00"}""")]
    [InlineData("""{"a":"\ud83d x"}""")]
    [InlineData("""{"a":"\ud83d\n\ude00"}""")]
    public void Texts_that_are_none_are_found(string json) => Assert.Equal(JsonSoundness.UnsoundText, JsonSoundness.Problem(Encoding.UTF8.GetBytes(json)));

    [Theory]
    [InlineData("""{"description":"\u0000"}""", "description")]
    [InlineData("""{"a":{"x":1},"tags":[{"key":"k"},{"key":"k","value":"\ud800"}]}""", "tags[1].value")]
    [InlineData("""[[1,2],[1e999]]""", "[1][0]")]
    [InlineData("""{"a":{"b":[1,2]},"c":1E999,"d":2}""", "c")]
    [InlineData("\"\\u0000\"", "")]
    public void The_field_is_named(string json, string expected)
    {
        Assert.NotNull(JsonSoundness.Problem(Encoding.UTF8.GetBytes(json), out var field));
        Assert.Equal(expected, field);
    }

    [Fact]
    public void Bytes_that_are_no_utf8_are_found() => Assert.Equal(JsonSoundness.UnsoundText, JsonSoundness.Problem([(byte)'"', 0xED, 0xA0, 0x80, (byte)'"']));

    [Theory]
    [InlineData("1e200000")]
    [InlineData("[1e131000,1e131000]")]
    [InlineData("""{"a":-1.5E+309}""")]
    [InlineData("1e-131000")]
    [InlineData("1e99999999999999999999")]
    [InlineData("1e0000400")]
    public void Numbers_that_nobody_can_store_are_found(string json) => Assert.Equal(JsonSoundness.NumberRange, JsonSoundness.Problem(Encoding.UTF8.GetBytes(json)));

    [Fact]
    public void Texts_are_judged_as_a_reader_of_json_judges_them()
        => Gen.OneOf(
                Gen.Const("\\u0000"), Gen.Const("\\ud83d"), Gen.Const("\\ude00"), Gen.Const("\\\\"), Gen.Const("\\\""), Gen.Const("u0000"), Gen.Const("x"), Gen.Const("\\n"), Gen.Const("é"), Gen.Const("😀"), Gen.Const("1e999"))
            .Array[0, 12].Sample(parts =>
            {
                var json = $"[\"{string.Concat(parts)}\"]";
                Assert.Equal(IsSound(json), JsonSoundness.Problem(Encoding.UTF8.GetBytes(json)) is null);
            });

    private static bool IsSound(string json)
    {
        using var document = JsonDocument.Parse(json);
        try
        {
            return !document.RootElement[0].GetString()!.Contains('\0', StringComparison.Ordinal);
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }
}
