using System.Text.Json;
using System.Text.Json.Nodes;
using AiPlatform.Contracts;
using AiPlatform.Kernel.Errors;
using AiPlatform.Operations.Lineage;

namespace AiPlatform.Tests.Functions.Operations.Lineage;

/// <summary>The rules of OpenLineage's published schema, one by one.</summary>
public sealed class OpenLineageCheckTests
{
    private const string Facet = """{"_producer":"https://tool.example","_schemaURL":"https://openlineage.io/spec/facets/1-0-1/X.json"}""";

    private const string Run = $$$$$"""
        {
          "eventType": "COMPLETE", "eventTime": "2026-01-31T08:00:00.123+08:00", "producer": "https://tool.example/v1",
          "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent", "extra": [1],
          "run": {"runId": "0198c5d2-5c1e-7b1a-9d7e-3f2a8c6b4e10", "facets": {"parent": {
            "_producer": "https://tool.example", "_schemaURL": "https://openlineage.io/spec/facets/1-0-1/ParentRunFacet.json",
            "run": {"runId": "0198c5d2-5c1e-7b1a-9d7e-3f2a8c6b4e11"}, "job": {"namespace": "airflow", "name": "dag"}}}},
          "job": {"namespace": "airflow", "name": "dag.task", "facets": {"x": {{{{{Facet}}}}}}},
          "inputs": [{"namespace": "postgres://db:5432", "name": "shop.public.orders", "facets": {"version": {
            "_producer": "https://tool.example", "_schemaURL": "https://openlineage.io/spec/facets/1-0-1/DatasetVersionDatasetFacet.json", "datasetVersion": "7"}},
            "inputFacets": {"dataQualityMetrics": {{{{{Facet}}}}}}}],
          "outputs": [{"namespace": "s3://bucket", "name": "features", "outputFacets": {"y": {{{{{Facet}}}}}}}]
        }
        """;

    [Fact]
    public void A_run_event_is_read_with_its_parts()
    {
        var read = OpenLineageCheck.Read(JsonElement.Parse(Run));
        Assert.Equal(("COMPLETE", new DateTimeOffset(2026, 1, 31, 0, 0, 0, 123, TimeSpan.Zero)), (read.EventType, read.At));
        Assert.Equal(new OpenLineageName("airflow", "dag.task"), read.Job);
        Assert.Equal(new OpenLineageName("airflow", "dag"), read.Parent?.Job);
        Assert.Equal("7", Assert.Single(read.Inputs).Version);
        Assert.Equal(["version", "dataQualityMetrics"], read.Inputs[0].Facets!.Value.EnumerateObject().Select(facet => facet.Name));
        Assert.Equal(new OpenLineageName("s3://bucket", "features"), Assert.Single(read.Outputs).Name);
        Assert.Null(read.Dataset);
    }

    [Fact]
    public void Events_about_jobs_and_datasets_are_read()
    {
        var job = OpenLineageCheck.Read(JsonElement.Parse(Change(Run, "run", null)));
        Assert.Equal((null, "dag.task"), (job.RunId, job.Job?.Name));
        const string text = $$$$$"""
            {"eventTime":"2026-01-31T08:00:00Z","producer":"https://tool.example","schemaURL":"https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/DatasetEvent",
             "dataset":{"namespace":"s3://bucket","name":"raw","facets":{"schema":{{{{{Facet}}}}}}}}
            """;
        var dataset = OpenLineageCheck.Read(JsonElement.Parse(text));
        Assert.Equal(new OpenLineageName("s3://bucket", "raw"), dataset.Dataset?.Name);
        Assert.Null(dataset.Job);
    }

    public static TheoryData<string, string?, string> Wrong() => new()
    {
        { "eventTime", null, "eventTime" },
        { "eventTime", "\"yesterday\"", "eventTime" },
        { "eventTime", "\"2026-01-31\"", "eventTime" },
        { "eventTime", "5", "eventTime" },
        { "producer", null, "producer" },
        { "producer", "\"not a uri\"", "producer" },
        { "schemaURL", null, "schemaURL" },
        { "schemaURL", "\"no uri\"", "schemaURL" },
        { "eventType", "\"DONE\"", "eventType" },
        { "eventType", "1", "eventType" },
        { "run", "[]", "run" },
        { "run", "{}", "run.runId" },
        { "run", """{"runId":"x"}""", "run.runId" },
        { "run", """{"runId":"0198c5d25c1e7b1a9d7e3f2a8c6b4e10"}""", "run.runId" },
        { "run", """{"runId":"0198c5d2-5c1e-7b1a-9d7e-3f2a8c6b4e10","facets":[]}""", "run.facets" },
        { "run", """{"runId":"0198c5d2-5c1e-7b1a-9d7e-3f2a8c6b4e10","facets":{"x":{}}}""", "run.facets.x._producer" },
        { "run", """{"runId":"0198c5d2-5c1e-7b1a-9d7e-3f2a8c6b4e10","facets":{"x":{"_producer":"https://a"}}}""", "run.facets.x._schemaURL" },
        { "run", """{"runId":"0198c5d2-5c1e-7b1a-9d7e-3f2a8c6b4e10","facets":{"parent":{"_producer":"https://a","_schemaURL":"https://a"}}}""", "run.facets.parent.run" },
        { "job", null, "job" },
        { "job", """{"name":"x"}""", "job.namespace" },
        { "job", """{"namespace":"n","name":""}""", "job.name" },
        { "job", """{"namespace":"n","name":7}""", "job.name" },
        { "inputs", "{}", "inputs" },
        { "inputs", "[1]", "inputs[0]" },
        { "inputs", """[{"namespace":"n","name":"a"},{"namespace":"n"}]""", "inputs[1].name" },
        { "outputs", """[{"namespace":"n","name":"a","facets":{"x":1}}]""", "outputs[0].facets.x" },
        { "outputs", """[{"namespace":"n","name":"a","outputFacets":{"x":{"_producer":"https://a"}}}]""", "outputs[0].outputFacets.x._schemaURL" },
        { "dataset", """{"namespace":"n","name":"a"}""", "dataset" },
        { "extra", "\"\\u0000\"", "event" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void What_the_schema_refuses_is_refused_by_field(string property, string? value, string field)
    {
        var problem = Assert.Throws<ApiException>(() => OpenLineageCheck.Read(JsonElement.Parse(Change(Run, property, value))));
        Assert.Equal((ErrorCodes.InvalidRequest, field), (problem.Code, problem.Field));
    }

    [Fact]
    public void An_event_that_is_too_large_is_refused()
    {
        var problem = Assert.Throws<ApiException>(() => OpenLineageCheck.Read(JsonElement.Parse(Change(Run, "extra", $"\"{new string('x', 1024 * 1024)}\""))));
        Assert.Equal("event", problem.Field);
        Assert.Equal("event", Assert.Throws<ApiException>(() => OpenLineageCheck.Read(JsonElement.Parse("[]"))).Field);
    }

    private static string Change(string json, string property, string? value)
    {
        var node = JsonNode.Parse(json)!.AsObject();
        node.Remove(property);
        if (value is not null)
        {
            node[property] = JsonNode.Parse(value);
        }

        return node.ToJsonString();
    }
}
