using AiPlatform.MLflow.Traces;

namespace AiPlatform.Tests.Functions.MLflow.Traces;

public sealed class PreviewTests
{
    [Theory]
    [InlineData("""{"q": "why"}""", "user", """{"q": "why"}""")]
    [InlineData("\"text\"", "user", "\"text\"")]
    [InlineData("no json", "user", "no json")]
    [InlineData("""{"messages":[{"role":"user","content":"one"},{"role":"user","content":"two"},{"role":"assistant","content":"three"}]}""", "user", "two")]
    [InlineData("""{"messages":[{"role":"system","content":"one"}]}""", "user", "one")]
    [InlineData("""{"messages":[1,{"role":2}]}""", "user", """{"messages":[1,{"role":2}]}""")]
    [InlineData("""{"choices":[{"message":{"role":"assistant","content":"answer"}}]}""", "assistant", "answer")]
    [InlineData("""{"input":[{"role":"user","content":[{"type":"image"},{"type":"text","text":"look"}]}]}""", "user", "look")]
    [InlineData("""{"request":{"input":[{"role":"user","content":"inner"}]}}""", "user", "inner")]
    public void A_chat_is_previewed_by_its_last_message_and_all_else_by_itself(string dumped, string role, string expected)
        => Assert.Equal(expected, Previews.Of(dumped, role));

    [Fact]
    public void Long_texts_are_cut_between_characters()
    {
        var preview = Previews.Of($"\"{new string('a', 995)}😀{new string('b', 20)}\"", "user");
        Assert.Equal(999, preview.Length);
        Assert.EndsWith("a...", preview, StringComparison.Ordinal);
    }
}
