using System.Text.Json;
using AiPlatform.Contracts;

namespace AiPlatform.Tests.Contracts;

public sealed class NullElementTests
{
    [Theory]
    [InlineData("""{"names":[null]}""", "names[0]")]
    [InlineData("""{"names":["a",null]}""", "names[1]")]
    [InlineData("""{"inner":[{"values":{"a":null}}]}""", "values.a")]
    [InlineData("""{"inner":[null]}""", "inner[0]")]
    public void Null_is_no_element_of_a_list_that_is_declared_without_it(string json, string field)
    {
        var exception = Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<Outer>(json, ContractsJson.Strict));
        Assert.EndsWith(field, exception.Path, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{}""")]
    [InlineData("""{"names":[],"inner":[{"values":{"a":"b"}}]}""")]
    [InlineData("""{"optional":["a",null],"numbers":[1]}""")]
    public void Other_lists_are_read(string json) => Assert.NotNull(JsonSerializer.Deserialize<Outer>(json, ContractsJson.Strict));

    private sealed record Outer(IReadOnlyList<string>? Names = null, List<Inner>? Inner = null, IReadOnlyList<string?>? Optional = null, int[]? Numbers = null);

    private sealed record Inner(IReadOnlyDictionary<string, string>? Values = null);
}
