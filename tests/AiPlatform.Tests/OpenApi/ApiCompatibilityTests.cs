using System.Text.Json.Nodes;
using AiPlatform.OpenApi.Compatibility;

namespace AiPlatform.Tests.OpenApi;

/// <summary>Each rule, shown with the smallest documents that keep and break it.</summary>
public sealed class ApiCompatibilityTests
{
    private const string Document =
        """
        {
          "paths": {
            "/things/{id}": {
              "post": {
                "operationId": "changeThing",
                "parameters": [
                  { "name": "id", "in": "path", "required": true, "schema": { "type": "string" } },
                  { "name": "depth", "in": "query", "schema": { "type": "integer" } },
                  { "name": "order", "in": "query", "schema": { "type": "string", "enum": ["up", "down"] } }
                ],
                "requestBody": { "content": {
                  "application/json": { "schema": { "$ref": "#/components/schemas/Change" } },
                  "application/yaml": { "schema": { "type": "string" } }
                } },
                "responses": {
                  "200": { "description": "OK", "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Thing" } } } },
                  "202": { "description": "Later" },
                  "default": { "$ref": "#/components/responses/Problem" }
                }
              }
            }
          },
          "components": {
            "responses": { "Problem": { "content": { "application/problem+json": { "schema": { "type": "object", "properties": { "code": { "type": "string" } } } } } } },
            "schemas": {
              "Change": { "type": "object", "required": ["name"], "properties": {
                "name": { "type": "string" }, "note": { "type": ["null", "string"] }, "size": { "type": "number" }, "tags": { "type": "array", "items": { "type": "string" } },
                "kind": { "$ref": "#/components/schemas/Kind" }, "inner": { "$ref": "#/components/schemas/Change" } } },
              "Thing": { "type": "object", "required": ["id", "count"], "properties": {
                "id": { "type": "string" }, "count": { "type": "integer", "format": "int64" }, "kind": { "$ref": "#/components/schemas/Kind" },
                "values": { "type": "object", "additionalProperties": { "type": "integer" } },
                "value": { "anyOf": [{ "type": "number" }, { "type": "string", "enum": ["NaN"] }] } } },
              "Kind": { "type": "string", "enum": ["small", "large"] }
            }
          }
        }
        """;

    [Fact]
    public void A_document_does_not_break_itself() => Assert.Empty(Find(static _ => { }));

    [Theory]
    [InlineData("paths//things~1{id}/post", null, "operation-removed POST /things/{id}")]
    [InlineData("paths//things~1{id}/post/operationId", "\"setThing\"", "operation-renamed POST /things/{id} changeThing")]
    [InlineData("paths//things~1{id}/post/parameters/1", null, "parameter-removed POST /things/{id} query:depth")]
    [InlineData("paths//things~1{id}/post/parameters/1/required", "true", "parameter-required POST /things/{id} query:depth")]
    [InlineData("paths//things~1{id}/post/parameters/1/schema/type", "\"boolean\"", "type-changed POST /things/{id} query:depth")]
    [InlineData("paths//things~1{id}/post/parameters/2/schema/enum", "[\"up\"]", "enum-value-removed POST /things/{id} query:order down")]
    [InlineData("paths//things~1{id}/post/parameters/1/schema/enum", "[1, 2]", "enum-added POST /things/{id} query:depth")]
    [InlineData("paths//things~1{id}/post/parameters/-", "{\"name\": \"who\", \"in\": \"query\", \"required\": true}", "parameter-required POST /things/{id} query:who")]
    [InlineData("paths//things~1{id}/post/requestBody/required", "true", "body-required POST /things/{id}")]
    [InlineData("paths//things~1{id}/post/requestBody/content/application~1yaml", null, "request-type-removed POST /things/{id} application/yaml")]
    [InlineData("paths//things~1{id}/post/responses/202", null, "answer-removed POST /things/{id} 202")]
    [InlineData("paths//things~1{id}/post/responses/200/content/application~1json", null, "answer-type-removed POST /things/{id} 200 application/json")]
    [InlineData("components/schemas/Change/properties/note", null, "property-removed Change.note")]
    [InlineData("components/schemas/Change/required/-", "\"note\"", "property-required Change.note")]
    [InlineData("components/schemas/Change/required/-", "\"owner\"", "property-required Change.owner")]
    [InlineData("components/schemas/Change/properties/note/type", "\"string\"", "type-changed Change.note")]
    [InlineData("components/schemas/Change/properties/size/type", "\"integer\"", "type-changed Change.size")]
    [InlineData("components/schemas/Change/properties/size/maximum", "5", "maximum-changed Change.size")]
    [InlineData("components/schemas/Change/properties/tags/items/type", "\"integer\"", "type-changed Change.tags[]")]
    [InlineData("components/schemas/Thing/properties/id", null, "property-removed Thing.id")]
    [InlineData("components/schemas/Thing/required", "[\"id\"]", "property-optional Thing.count")]
    [InlineData("components/schemas/Thing/properties/count/type", "[\"null\", \"integer\"]", "type-changed Thing.count")]
    [InlineData("components/schemas/Thing/properties/count/type", "\"number\"", "type-changed Thing.count")]
    [InlineData("components/schemas/Thing/properties/count/format", "\"int32\"", "format-changed Thing.count")]
    [InlineData("components/schemas/Thing/properties/values/additionalProperties/type", "\"string\"", "type-changed Thing.values[]")]
    [InlineData("components/schemas/Thing/properties/value/anyOf/-", "{\"type\": \"boolean\"}", "type-changed Thing.value")]
    [InlineData("components/schemas/Kind/enum", "[\"small\"]", "enum-value-removed Kind large")]
    [InlineData("components/responses/Problem/content/application~1problem+json/schema/properties/code", null, "property-removed POST /things/{id} default.code")]
    public void A_break_is_found(string place, string? value, string expected)
        => Assert.Contains(expected, Find(document => Change(document, place, value)).Select(static found => found.ToString()));

    [Theory]
    [InlineData("paths//more", "{\"get\": {\"operationId\": \"more\", \"responses\": {}}}")]
    [InlineData("paths//things~1{id}/post/parameters/-", "{\"name\": \"who\", \"in\": \"query\"}")]
    [InlineData("paths//things~1{id}/post/parameters/0/schema/description", "\"Words.\"")]
    [InlineData("paths//things~1{id}/post/responses/201", "{}")]
    [InlineData("components/schemas/Change/properties/owner", "{\"type\": \"string\"}")]
    [InlineData("components/schemas/Change/required", "[]")]
    [InlineData("components/schemas/Change/properties/name/type", "[\"null\", \"string\"]")]
    [InlineData("components/schemas/Thing/properties/owner", "{\"type\": \"string\"}")]
    [InlineData("components/schemas/Thing/required/-", "\"kind\"")]
    [InlineData("components/schemas/Kind/enum/-", "\"huge\"")]
    [InlineData("components/schemas/More", "{\"type\": \"string\"}")]
    public void What_old_clients_do_not_notice_is_no_break(string place, string value)
        => Assert.Empty(Find(document => Change(document, place, value)));

    [Fact]
    public void A_schema_that_is_gone_is_a_break_even_where_its_shape_stays()
    {
        var found = Find(static document =>
        {
            var kind = document["components"]!["schemas"]!["Kind"]!.DeepClone();
            document["components"]!["schemas"]!.AsObject().Remove("Kind");
            document["components"]!["schemas"]!["Change"]!["properties"]!["kind"] = kind.DeepClone();
            document["components"]!["schemas"]!["Thing"]!["properties"]!["kind"] = kind;
        });
        Assert.Equal(["schema-removed Kind"], found.Select(static item => item.ToString()));
    }

    private static IReadOnlyList<ApiBreak> Find(Action<JsonNode> change)
    {
        var current = JsonNode.Parse(Document)!;
        change(current);
        return ApiCompatibility.Find(JsonNode.Parse(Document)!, current);
    }

    // A JSON pointer, whose "-" appends; null removes.
    private static void Change(JsonNode document, string place, string? value)
    {
        var steps = place.Split('/').Select(static step => step.Replace("~1", "/", StringComparison.Ordinal)).ToList();
        if (steps[0] == "paths")
        {
            steps = ["paths", "/" + steps[2], .. steps.Skip(3)];
        }

        var parent = steps.Take(steps.Count - 1).Aggregate(document, static (node, step) => node is JsonArray array ? array[int.Parse(step)]! : node[step]!);
        switch (parent, value)
        {
            case (JsonArray array, null):
                array.RemoveAt(int.Parse(steps[^1]));
                break;
            case (JsonArray array, _):
                array.Add(JsonNode.Parse(value));
                break;
            case (_, null):
                Assert.True(parent.AsObject().Remove(steps[^1]), place);
                break;
            default:
                parent[steps[^1]] = JsonNode.Parse(value);
                break;
        }
    }
}
