using System.Net;
using System.Text.Json.Nodes;
using AiPlatform.IntegrationTests.Servers;

namespace AiPlatform.IntegrationTests.Functions.MLflow.Traces;

[Collection(TrackingCollection.Name)]
public sealed class AssessmentTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>
{
    private const string Invalid = "INVALID_PARAMETER_VALUE";
    private const string Missing = "RESOURCE_DOES_NOT_EXIST";

    [Fact]
    public async Task An_assessment_is_made_changed_overridden_and_valid_again()
    {
        var project = await TraceFixture.CreateAsync(functions);
        await project.StartAsync("tr-1");
        var first = await CreateAsync(project, new
        {
            assessment_name = "quality",
            feedback = new { value = new { rating = 4 } },
            source = new { source_type = "HUMAN", source_id = "ann" },
            rationale = "good",
            metadata = new { model = "m", version = "1" },
            span_id = "00000000000000ff",
        });
        var id = (string)first["assessment_id"]!;
        Assert.StartsWith("a-", id, StringComparison.Ordinal);
        Assert.True((bool)first["valid"]!);

        var changed = (await project.MLflow.PostAsync(
            $"traces/tr-1/assessments/{id}",
            new { assessment = new { assessment_name = "quality2", feedback = new { value = 5 }, metadata = new { version = "2" }, rationale = "unchanged" }, update_mask = "assessmentName,feedback,metadata" },
            "PATCH"))["assessment"]!;
        Assert.Equal(("quality2", 5, "good", """{"model":"m","version":"2"}"""), ((string)changed["assessment_name"]!, (int)changed["feedback"]!["value"]!, (string)changed["rationale"]!, changed["metadata"]!.ToJsonString().Replace(" ", string.Empty, StringComparison.Ordinal)));
        await project.MLflow.ErrorAsync($"traces/tr-1/assessments/{id}", new { assessment = new { expectation = new { value = 1 } }, update_mask = "expectation" }, HttpStatusCode.BadRequest, Invalid, "PATCH");

        var second = await CreateAsync(project, new { assessment_name = "quality", feedback = new { value = 1 }, source = new { source_type = "HUMAN", source_id = "bob" }, overrides = id });
        Assert.False((bool)(await GetAsync(project, id))["valid"]!);
        Assert.Equal(id, (string)second["overrides"]!);
        for (var i = 0; i < 2; i++)
        {
            await project.MLflow.PostAsync($"traces/tr-1/assessments/{(string)second["assessment_id"]!}", new { }, "DELETE");
        }

        await project.MLflow.ErrorAsync($"traces/tr-1/assessments/{(string)second["assessment_id"]!}", null, HttpStatusCode.NotFound, Missing);
        Assert.True((bool)(await GetAsync(project, id))["valid"]!);
        Assert.Equal(id, (string)Assert.Single((await project.InfoAsync("tr-1"))["assessments"]!.AsArray())!["assessment_id"]!);
    }

    [Fact]
    public async Task What_is_expected_may_be_anything_that_is_json()
    {
        var project = await TraceFixture.CreateAsync(functions);
        await project.StartAsync("tr-1");
        var source = new { source_type = "CODE", source_id = "test" };
        var plain = await CreateAsync(project, new { assessment_name = "answer", expectation = new { value = "42" }, source });
        Assert.Equal("42", (string)plain["expectation"]!["value"]!);
        var packed = await CreateAsync(project, new { assessment_name = "limits", expectation = new { value = new { ms = 1_000 } }, source });
        Assert.Equal(1_000, (int)JsonNode.Parse((string)packed["expectation"]!["serialized_value"]!["value"]!)!["ms"]!);
        var sent = await CreateAsync(project, new { assessment_name = "list", expectation = new { serialized_value = new { serialization_format = "JSON_FORMAT", value = "[1,2]" } }, source });
        Assert.True(JsonNode.DeepEquals(new JsonArray(1, 2), JsonNode.Parse((string)sent["expectation"]!["serialized_value"]!["value"]!)));
        var failed = await CreateAsync(project, new { assessment_name = "judge", feedback = new { error = new { error_code = "RATE", error_message = "slow down" } }, source = new { source_type = "LLM_JUDGE", source_id = "j" } });
        Assert.Equal("RATE", (string)failed["feedback"]!["error"]!["error_code"]!);
        Assert.Equal(["tr-1"], await project.SearchAsync("expectation.answer = '42'"));
        Assert.Empty(await project.SearchAsync("feedback.answer = '42'"));
    }

    [Theory]
    [InlineData("""{"assessment":{"feedback":{"value":1},"source":{"source_type":"HUMAN"}}}""")]
    [InlineData("""{"assessment":{"assessment_name":"a","source":{"source_type":"HUMAN"}}}""")]
    [InlineData("""{"assessment":{"assessment_name":"a","feedback":{"value":1}}}""")]
    [InlineData("""{"assessment":{"assessment_name":"a","feedback":{"value":1},"source":{"source_type":"MOON"}}}""")]
    [InlineData("""{"assessment":{"assessment_name":"a","feedback":{"value":"\u0000"},"source":{"source_type":"HUMAN"}}}""")]
    [InlineData("""{"assessment":{"assessment_name":"a","feedback":{"value":"\ud800"},"source":{"source_type":"HUMAN"}}}""")]
    [InlineData("""{"assessment":{"assessment_name":"a","expectation":{"serialized_value":{"value":"{"}},"source":{"source_type":"HUMAN"}}}""")]
    [InlineData("""{"assessment":[]}""")]
    [InlineData("{}")]
    public async Task What_is_no_assessment_is_refused(string body)
    {
        var project = await TraceFixture.CreateAsync(functions);
        await project.StartAsync("tr-1");
        await project.MLflow.ErrorAsync("traces/tr-1/assessments", body, HttpStatusCode.BadRequest, Invalid);
    }

    [Fact]
    public async Task Assessments_of_nothing_and_of_what_is_gone_are_refused()
    {
        var project = await TraceFixture.CreateAsync(functions);
        var assessment = new { assessment_name = "a", feedback = new { value = 1 }, source = new { source_type = "HUMAN" }, overrides = "a-none" };
        await project.MLflow.ErrorAsync("traces/tr-1/assessments", new { assessment }, HttpStatusCode.NotFound, Missing);
        await project.StartAsync("tr-1");
        await project.MLflow.ErrorAsync("traces/tr-1/assessments", new { assessment }, HttpStatusCode.NotFound, Missing);
        Assert.Empty((await project.InfoAsync("tr-1"))["assessments"]!.AsArray());
    }

    private static async Task<JsonObject> CreateAsync(TraceFixture project, object assessment)
        => (await project.MLflow.PostAsync("traces/tr-1/assessments", new { assessment }))["assessment"]!.AsObject();

    private static async Task<JsonObject> GetAsync(TraceFixture project, string id) => (await project.MLflow.GetAsync($"traces/tr-1/assessments/{id}"))["assessment"]!.AsObject();
}
