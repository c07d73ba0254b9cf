using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Texts;

namespace AiPlatform.Tests.Functions.Core;

/// <summary>A value of a wrong type is answered with its field, what belongs there and what was given.</summary>
public sealed class ExpectedShapeTests
{
    [Theory]
    [InlineData("""{"recipe": 5}""", "recipe", "Expected a text, got a number.", "应为文本，实际为数字。")]
    [InlineData("""{"retry": {"maxAttempts": "three"}}""", "retry.maxAttempts", "Expected an integer, got a text.", "应为整数，实际为文本。")]
    [InlineData("""{"retry": {"maxAttempts": 1.5}}""", "retry.maxAttempts", "Expected an integer.", "应为整数。")]
    [InlineData("""{"dependsOn": "a"}""", "dependsOn", "Expected a list.", "应为列表。")]
    [InlineData("""{"resources": [1]}""", "resources", "Expected an object.", "应为对象。")]
    [InlineData("""{"priority": "soon"}""", "priority", "Use one of: critical, high, normal, low.", "请使用以下之一：critical, high, normal, low。")]
    public void Json_of_a_wrong_type_is_told_what_was_expected(string json, string field, string english, string chinese)
    {
        var thrown = Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<SubmitJobRequest>(json, ContractsJson.Strict));
        var problem = ExpectedShape.Wrong(thrown.Path![2..], thrown);
        Assert.Equal((ErrorCodes.InvalidRequest, field), (problem.Code, problem.Field));
        Assert.Equal(english, ErrorCatalog.Detail(problem.Code, problem.Arguments, chinese: false));
        Assert.Equal(chinese, ErrorCatalog.Detail(problem.Code, problem.Arguments, chinese: true));
    }

    [Theory]
    [InlineData("int?", "应为整数，实际为文本。")]
    [InlineData("double", "应为数字，实际为文本。")]
    [InlineData("bool", "应为true 或 false，实际为文本。")]
    public void A_parameter_of_a_wrong_type_is_told_what_was_expected(string type, string chinese)
    {
        var problem = ExpectedShape.OfParameter("pageSize", type);
        Assert.Equal(("pageSize", chinese), (problem.Field, ErrorCatalog.Detail(problem.Code, problem.Arguments, chinese: true)));
    }

    [Fact]
    public void A_kind_of_json_is_told_what_was_expected()
    {
        var problem = Assert.Throws<ApiException>(static () => Check.Kind(JsonDocument.Parse("[]").RootElement, "params", JsonValueKind.Object));
        Assert.Equal(("params", "Expected an object, got a list."), (problem.Field, ErrorCatalog.Detail(problem.Code, problem.Arguments, chinese: false)));
    }
}
