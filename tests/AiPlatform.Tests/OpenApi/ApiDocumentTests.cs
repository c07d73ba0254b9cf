using System.Text.Json;
using System.Text.Json.Nodes;
using AiPlatform.Contracts;
using AiPlatform.OpenApi;

namespace AiPlatform.Tests.OpenApi;

/// <summary>The API's document in the repository: that of the routes, complete, and no break of clients that exist.</summary>
[Trait("Area", "All")]
public sealed class ApiDocumentTests
{
    private static readonly DocumentFiles Files = DocumentFiles.OfRepository();
    private static readonly JsonObject Document = JsonNode.Parse(File.ReadAllText(Files.Current))!.AsObject();

    private static IReadOnlyList<(string Place, JsonObject Operation)> Operations { get; } =
        [.. Document["paths"]!.AsObject().SelectMany(static path => path.Value!.AsObject().Select(method => ($"{method.Key.ToUpperInvariant()} {path.Key}", method.Value!.AsObject())))];

    private static JsonObject Schemas => Document["components"]!["schemas"]!.AsObject();

    [Fact]
    public async Task The_committed_document_is_that_of_the_routes()
    {
        var built = await BuiltDocument.MakeAsync(CancellationToken.None);
        Assert.True(
            built == await File.ReadAllTextAsync(Files.Current),
            "The routes differ from functions/openapi/v1.json. Write it with: dotnet run --project functions/AiPlatform.OpenApi -- write");
        Assert.InRange(built.Length, 100_000, 1_000_000);
    }

    [Fact]
    public void No_change_breaks_a_client_of_the_newest_release()
    {
        var (breaks, stale) = Files.Compare();
        Assert.True(
            breaks.Count == 0,
            $"Clients of the newest release would break. Undo it, or accept it in functions/openapi/accepted-breaks.txt with a reason:\n{string.Join('\n', breaks)}");
        Assert.Empty(stale);
    }

    [Fact]
    public void Every_operation_has_a_name_of_its_own_a_summary_and_a_description()
    {
        Assert.True(Operations.Count > 200, $"Only {Operations.Count} operations were found.");
        Assert.Empty(Operations.Where(static found => Text(found.Operation, "summary") is null || Text(found.Operation, "description") is null).Select(static found => found.Place));
        Assert.Empty(Operations.Where(static found => Text(found.Operation, "operationId") is not { } id || !char.IsAsciiLetterLower(id[0]) || !id.All(char.IsAsciiLetterOrDigit))
            .Select(static found => found.Place));
        Assert.Empty(Operations.GroupBy(static found => Text(found.Operation, "operationId"), StringComparer.OrdinalIgnoreCase).Where(static group => group.Count() > 1).Select(static group => group.Key));
    }

    [Fact]
    public void Every_parameter_is_described()
        => Assert.Empty(Operations.SelectMany(static found => (found.Operation["parameters"] as JsonArray ?? [])
            .Where(static parameter => Text(parameter!, "description") is null).Select(parameter => $"{found.Place} {Text(parameter!, "name")}")));

    [Fact]
    public void Every_part_of_a_path_is_a_parameter_in_the_order_of_the_path()
        => Assert.All(Operations, static found => Assert.Equal(
            found.Place.Split('{').Skip(1).Select(static part => part.Split('}')[0]),
            (found.Operation["parameters"] as JsonArray ?? []).Where(static parameter => Text(parameter!, "in") == "path").Select(static parameter => Text(parameter!, "name"))));

    [Fact]
    public void Every_body_has_an_example_that_the_api_would_read()
    {
        var count = 0;
        foreach (var (place, operation) in Operations)
        {
            if (operation["requestBody"]?["content"]?["application/json"] is not { } media)
            {
                continue;
            }

            Assert.True(media["example"] is not null, $"{place} has no example.");
            var schema = media["schema"]!;
            if (schema.AsObject().Count == 0)
            {
                continue;
            }

            var name = (Text(schema, "$ref") ?? (schema["oneOf"] as JsonArray)?.Select(static part => Text(part!, "$ref")).First(static reference => reference is not null))!.Split('/')[^1];
            if (name == nameof(JsonElement))
            {
                continue;
            }

            var type = typeof(ContractsJson).Assembly.GetTypes().Single(type => type.Name == name);
            var read = JsonSerializer.Deserialize(media["example"]!, type, ContractsJson.Strict);
            Assert.True(Contains(JsonSerializer.SerializeToNode(read, type, ContractsJson.Strict), media["example"]), $"{place}: the example says more than is read.");
            count++;
        }

        Assert.InRange(count, 60, int.MaxValue);
    }

    [Fact]
    public void Every_schema_and_every_property_is_described()
    {
        Assert.True(Schemas.Count > 250, $"Only {Schemas.Count} schemas were found.");
        Assert.Empty(Schemas.Where(static schema => Text(schema.Value!, "description") is null).Select(static schema => schema.Key));
        Assert.Empty(Schemas.SelectMany(static schema => (schema.Value!["properties"] as JsonObject ?? [])
            .Where(static property => Text(property.Value!, "description") is null).Select(property => $"{schema.Key}.{property.Key}")));
    }

    [Fact]
    public void Nothing_that_may_be_null_is_called_required()
    {
        var lies = Schemas.SelectMany(static schema => (schema.Value!["required"] as JsonArray ?? [])
            .Where(name => schema.Value!["properties"]![(string)name!]!["type"] is JsonArray types && types.Any(static type => (string)type! == "null")).Select(name => $"{schema.Key}.{name}"));
        Assert.Empty(lies);
        Assert.Contains("id", Schemas["Job"]!["required"]!.AsArray().Select(static name => (string)name!));
    }

    [Fact]
    public void Requests_are_closed_and_answers_may_grow()
    {
        Assert.False(Schemas["SubmitJobRequest"]!["additionalProperties"]!.GetValue<bool>());
        Assert.False(Schemas["JobResources"]!["additionalProperties"]!.GetValue<bool>());
        Assert.False(Schemas["Job"]!.AsObject().ContainsKey("additionalProperties"));
        Assert.False(Schemas["ProblemResponse"]!.AsObject().ContainsKey("additionalProperties"));
    }

    [Fact]
    public void All_operations_share_one_answer_for_problems()
    {
        Assert.All(Operations, static found => Assert.Equal("#/components/responses/Problem", Text(found.Operation["responses"]!["default"]!, "$ref")));
        Assert.Equal("#/components/schemas/ProblemResponse", Text(Document["components"]!["responses"]!["Problem"]!["content"]!["application/problem+json"]!["schema"]!, "$ref"));
    }

    // Defaults may be added when a value is written again.
    private static bool Contains(JsonNode? whole, JsonNode? part) => (whole, part) switch
    {
        (JsonObject all, JsonObject some) => some.All(pair => (pair.Value is null && all[pair.Key] is null) || Contains(all[pair.Key], pair.Value)),
        (JsonArray all, JsonArray some) => all.Count == some.Count && all.Zip(some).All(static pair => Contains(pair.First, pair.Second)),
        (JsonValue, JsonValue) => JsonNode.DeepEquals(whole, part) || Same(whole!.ToString(), part!.ToString()),
        _ => JsonNode.DeepEquals(whole, part),
    };

    private static bool Same(string one, string other)
        => one == other || (DateTimeOffset.TryParse(one, out var time) && DateTimeOffset.TryParse(other, out var otherTime) && time == otherTime);

    private static string? Text(JsonNode node, string name) => (node as JsonObject)?[name] is JsonValue value ? value.GetValue<string>() : null;
}
