using System.Text.Json;
using System.Text.Json.Nodes;
using AiPlatform.Kernel.Delivery;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Registry.Webhooks;

/// <summary>Tells webhooks what happened in the model registry: <c>{"entity", "action", "timestamp", "data"}</c>, as MLflow's server does.</summary>
internal sealed class WebhookEvents(IDelivery<WebhookChannel> delivery, TimeProvider time)
{
    private static readonly JsonSerializerOptions Options = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public const string ModelCreated = "registered_model.created";
    public const string VersionCreated = "model_version.created";
    public const string VersionTagSet = "model_version_tag.set";
    public const string VersionTagDeleted = "model_version_tag.deleted";
    public const string AliasCreated = "model_version_alias.created";
    public const string AliasDeleted = "model_version_alias.deleted";

    // Told of prompts only.
    public const string ModelTagSet = "registered_model_tag.set";
    public const string ModelTagDeleted = "registered_model_tag.deleted";

    /// <summary>All events with an example of their data, for tests of a webhook.</summary>
    public static IReadOnlyDictionary<string, JsonObject> Examples { get; } = new Dictionary<string, JsonObject>(PromptEvents.Examples, StringComparer.Ordinal)
    {
        [ModelCreated] = new() { ["name"] = "example_model", ["tags"] = new JsonObject { ["example_key"] = "example_value" }, ["description"] = "An example registered model" },
        [VersionCreated] = new()
        {
            ["name"] = "example_model",
            ["version"] = "1",
            ["source"] = "runs:/abcd1234abcd5678/model",
            ["run_id"] = "abcd1234abcd5678",
            ["tags"] = new JsonObject { ["example_key"] = "example_value" },
            ["description"] = "An example model version",
        },
        [VersionTagSet] = new() { ["name"] = "example_model", ["version"] = "1", ["key"] = "example_key", ["value"] = "example_value" },
        [VersionTagDeleted] = new() { ["name"] = "example_model", ["version"] = "1", ["key"] = "example_key" },
        [AliasCreated] = new() { ["name"] = "example_model", ["alias"] = "example_alias", ["version"] = "1" },
        [AliasDeleted] = new() { ["name"] = "example_model", ["alias"] = "example_alias" },
    };

    /// <summary>Writes a delivery for every active webhook of the project that wants the event, in this transaction.</summary>
    /// <param name="data">Names the model as <c>name</c>; when that is a prompt, the event is the prompt's.</param>
    public async Task PublishAsync<T>(UnitOfWork work, string projectId, string name, T data)
    {
        var sent = JsonSerializer.SerializeToNode(data, Options)!.AsObject();
        var isPrompt = await work.FindAsync<bool?>(
            """
            SELECT EXISTS (
                SELECT 1 FROM models WHERE project_id = @projectId AND name = @model AND deleted_at IS NULL AND lower(tags ->> @PromptTag) = 'true')
            WHERE EXISTS (SELECT 1 FROM webhooks WHERE project_id = @projectId AND status = 'ACTIVE')
            """,
            new { projectId, model = (string?)sent["name"], PromptEvents.PromptTag });
        if (isPrompt is null)
        {
            return;
        }

        if (isPrompt.Value)
        {
            (name, sent) = PromptEvents.Of(name, sent);
        }

        var written = await work.ExecuteAsync(
            """
            INSERT INTO webhook_deliveries (id, webhook_id, event, body, due_at, created_at)
            SELECT gen_random_uuid()::text, id, @name, @body, now(), @now FROM webhooks WHERE project_id = @projectId AND status = 'ACTIVE' AND @name = ANY(events)
            """,
            new { projectId, name, body = Body(name, sent, time.GetUtcNow()), now = time.GetUtcNow() });
        if (written > 0)
        {
            Database.OnCommitted(delivery.Wake);
        }
    }

    /// <summary>The body of a delivery.</summary>
    public static string Body<T>(string name, T data, DateTimeOffset now)
    {
        var dot = name.IndexOf('.', StringComparison.Ordinal);
        return JsonSerializer.Serialize(
            new Dictionary<string, object?>(StringComparer.Ordinal) { ["entity"] = name[..dot], ["action"] = name[(dot + 1)..], ["timestamp"] = now.ToString("O", System.Globalization.CultureInfo.InvariantCulture), ["data"] = data },
            Options);
    }
}
