using System.Text.Json.Nodes;

namespace AiPlatform.Registry.Webhooks;

/// <summary>
/// Prompts are models with a tag, and their versions' texts are tags too. What happens to them has names and data of its own, as in MLflow.
/// </summary>
internal static class PromptEvents
{
    public const string Created = "prompt.created";
    public const string VersionCreated = "prompt_version.created";
    public const string TagSet = "prompt_tag.set";
    public const string TagDeleted = "prompt_tag.deleted";
    public const string VersionTagSet = "prompt_version_tag.set";
    public const string VersionTagDeleted = "prompt_version_tag.deleted";
    public const string AliasCreated = "prompt_alias.created";
    public const string AliasDeleted = "prompt_alias.deleted";

    /// <summary>The tag whose value <c>true</c> makes a model a prompt.</summary>
    public const string PromptTag = "mlflow.prompt.is_prompt";

    private const string TextTag = "mlflow.prompt.text";
    private const string TypeTag = "_mlflow_prompt_type";

    /// <summary>All events with an example of their data.</summary>
    public static IEnumerable<KeyValuePair<string, JsonObject>> Examples =>
    [
        new(Created, new() { ["name"] = "example_prompt", ["tags"] = new JsonObject { ["example_key"] = "example_value" }, ["description"] = "An example prompt" }),
        new(VersionCreated, new()
        {
            ["name"] = "example_prompt",
            ["version"] = "1",
            ["template"] = "Hello {{name}}!",
            ["tags"] = new JsonObject { ["example_key"] = "example_value" },
            ["description"] = "An example prompt version",
        }),
        new(TagSet, new() { ["name"] = "example_prompt", ["key"] = "example_key", ["value"] = "example_value" }),
        new(TagDeleted, new() { ["name"] = "example_prompt", ["key"] = "example_key" }),
        new(VersionTagSet, new() { ["name"] = "example_prompt", ["version"] = "1", ["key"] = "example_key", ["value"] = "example_value" }),
        new(VersionTagDeleted, new() { ["name"] = "example_prompt", ["version"] = "1", ["key"] = "example_key" }),
        new(AliasCreated, new() { ["name"] = "example_prompt", ["alias"] = "example_alias", ["version"] = "1" }),
        new(AliasDeleted, new() { ["name"] = "example_prompt", ["alias"] = "example_alias" }),
    ];

    /// <summary>What an event of a model is when the model is a prompt.</summary>
    public static (string Name, JsonObject Data) Of(string name, JsonObject data) => name switch
    {
        WebhookEvents.ModelCreated => (Created, WithoutOwnTags(data)),
        WebhookEvents.VersionCreated => (VersionCreated, Version(data)),
        WebhookEvents.ModelTagSet => (TagSet, data),
        WebhookEvents.ModelTagDeleted => (TagDeleted, data),
        WebhookEvents.VersionTagSet => (VersionTagSet, data),
        WebhookEvents.VersionTagDeleted => (VersionTagDeleted, data),
        WebhookEvents.AliasCreated => (AliasCreated, data),
        WebhookEvents.AliasDeleted => (AliasDeleted, data),
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "Unknown event."),
    };

    private static JsonObject Version(JsonObject data)
    {
        var template = (data["tags"] as JsonObject)?[TextTag]?.DeepClone();
        var rest = WithoutOwnTags(data);
        return new JsonObject
        {
            ["name"] = rest["name"]?.DeepClone(),
            ["version"] = rest["version"]?.DeepClone(),
            ["template"] = template,
            ["tags"] = rest["tags"]?.DeepClone(),
            ["description"] = rest["description"]?.DeepClone(),
        };
    }

    private static JsonObject WithoutOwnTags(JsonObject data)
    {
        if (data["tags"] is JsonObject tags)
        {
            tags.Remove(PromptTag);
            tags.Remove(TextTag);
            tags.Remove(TypeTag);
        }

        return data;
    }
}
