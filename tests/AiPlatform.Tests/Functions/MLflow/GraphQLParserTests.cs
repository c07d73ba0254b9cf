using System.Text.Json.Nodes;
using AiPlatform.MLflow.GraphQL;
using CsCheck;

namespace AiPlatform.Tests.Functions.MLflow;

public sealed class GraphQLParserTests
{
    private static readonly string[] Words = ["query", "mutation", "fragment", "a", "b", "on", "{", "}", "(", ")", ":", "[", "]", "...", "$x", "@", "\"t\"", "1", "-2.5", "#", "\"", "!", "="];

    [Fact]
    public void Aliases_arguments_variables_and_fragments_are_read()
    {
        const string query = """
            # what the page asks
            query GetRun($id: String!, $more: [String!] = ["a"]) @component(name: "Page") {
              first: run(input: {runId: $id, list: [1, 2.5, true, null, ENUM], text: "a\"\u0041"}) @include(if: true) { ...Info, ... on Run { tags { key } } }
            }
            fragment Info on Run { info { id } }
            """;
        var field = Assert.Single(GraphQLParser.Parse(query, "GetRun", new JsonObject { ["id"] = "r-1" }));
        Assert.Equal(("first", "run"), (field.Key, field.Name));
        Assert.Equal("""{"runId":"r-1","list":[1,2.5,true,null,"ENUM"],"text":"a\u0022A"}""", field.Arguments["input"]!.ToJsonString());
        Assert.Equal(["info", "tags"], field.Selections.Select(static selection => selection.Name));
        Assert.Equal("id", Assert.Single(field.Selections[0].Selections).Name);
    }

    [Theory]
    [InlineData("{ a { a { a { a { a { a { a { a { a { a { a } } } } } } } } } } }", "maximum depth of 10")]
    [InlineData("{ ...A } fragment A on T { ...A }", "maximum depth of 10")]
    [InlineData("{ a1: a a2: a a3: a a4: a a5: a a6: a a7: a a8: a a9: a a10: a a11: a }", "at most 10 aliases")]
    [InlineData("{ a b c d e f g h i j k }", "at most 10 root fields")]
    [InlineData("{ a", "Unexpected <EOF>")]
    [InlineData("subscription { a }", "Unexpected")]
    [InlineData("query A { a } query B { b }", "Must provide operation name")]
    [InlineData("{ ...Nothing }", "Unknown fragment")]
    public void What_is_too_large_or_no_query_is_refused(string query, string reason)
        => Assert.Contains(reason, Assert.Throws<GraphQLException>(() => GraphQLParser.Parse(query, null, [])).Message, StringComparison.Ordinal);

    [Fact]
    public void Selections_are_counted_through_fragments()
    {
        var wide = string.Concat(Enumerable.Repeat("...B ", 200));
        var query = $"{{ ...A }} fragment A on T {{ {wide} }} fragment B on T {{ {string.Concat(Enumerable.Repeat("...C ", 200))} }} fragment C on T {{ a }}";
        Assert.Contains("total selections of 1000", Assert.Throws<GraphQLException>(() => GraphQLParser.Parse(query, null, [])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Any_text_is_read_or_refused()
        => Gen.OneOf(Gen.String[0, 40], Gen.Int[0, Words.Length - 1].Select(static i => Words[i]).Array[0, 20].Select(static words => string.Join(' ', words))).Sample(static text =>
        {
            try
            {
                Assert.InRange(GraphQLParser.Parse(text, null, []).Count, 0, 10);
            }
            catch (GraphQLException exception)
            {
                Assert.NotEmpty(exception.Message);
            }
        });
}
