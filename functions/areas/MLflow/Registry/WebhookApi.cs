using System.Text.Json;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Secrets;
using AiPlatform.MLflow.Http;
using AiPlatform.MLflow.Tracking;
using AiPlatform.Ports.MLflow;
using AiPlatform.Registry.Webhooks;
using AiPlatform.Tracking.Runs;
using AiPlatform.Tracking.Search;

namespace AiPlatform.MLflow.Registry;

/// <summary>Webhooks of MLflow clients: who is told what happens in the model registry of a project.</summary>
internal sealed class WebhookApi(WebhookStore store, WebhookSender sender, SecretBox secrets, TimeProvider time)
{
    private const int MaxName = 256;
    private const int MaxDescription = 5_000;
    private const int MaxUrl = 2_000;
    private const int MaxSecret = 1_000;
    private const int DefaultResults = 100;
    private const int MaxResults = 1_000;

    /// <summary><c>POST webhooks</c>.</summary>
    public async Task CreateAsync(MLflowCall call)
    {
        var id = Ids.New(time);
        var now = time.GetUtcNow();
        var row = new WebhookRow
        {
            Id = id,
            ProjectId = call.ProjectId,
            Name = Name(call.RequiredText("name")),
            Description = Description(call),
            Url = await UrlAsync(call.RequiredText("url"), call.Token),
            Events = Events(call) ?? throw MLflowException.Required("events"),
            Secret = Secret(call, id),
            Status = Status(call) ?? "ACTIVE",
            CreatedAt = now,
            UpdatedAt = now,
        };
        if (!await store.TryAddAsync(row, call.Caller.UserId, call.Token))
        {
            throw new MLflowException("RESOURCE_EXHAUSTED", "This project has as many webhooks as it may have.");
        }

        await WriteAsync(call, row);
    }

    /// <summary><c>GET webhooks</c>.</summary>
    public async Task ListAsync(MLflowCall call)
    {
        var limit = call.MaxResults(DefaultResults, MaxResults);
        var offset = Offsets.Read(call.Text("page_token"));
        var rows = await store.ListAsync(call.ProjectId, offset, limit + 1, call.Token);
        await call.WritePageAsync("webhooks", rows, limit, offset, Write);
    }

    /// <summary><c>GET webhooks/{id}</c>.</summary>
    public async Task GetAsync(MLflowCall call) => await WriteAsync(call, await RequireAsync(call));

    /// <summary><c>PATCH webhooks/{id}</c>: what is absent stays.</summary>
    public async Task UpdateAsync(MLflowCall call)
    {
        var old = await RequireAsync(call);
        var row = old with
        {
            Name = call.Text("name") is { Length: > 0 } name ? Name(name) : old.Name,
            Description = call.Has("description") ? Description(call) : old.Description,
            Url = call.Text("url") is { Length: > 0 } url ? await UrlAsync(url, call.Token) : old.Url,
            Events = Events(call) ?? old.Events,
            Secret = call.Has("secret") ? Secret(call, old.Id) : old.Secret,
            Status = Status(call) ?? old.Status,
            UpdatedAt = time.GetUtcNow(),
        };
        await WriteAsync(call, await store.UpdateAsync(row, call.Token) ? row : throw Missing(old.Id));
    }

    /// <summary><c>DELETE webhooks/{id}</c>.</summary>
    public async Task DeleteAsync(MLflowCall call)
    {
        if (!await store.DeleteAsync(call.ProjectId, Id(call), call.Token))
        {
            throw Missing(Id(call));
        }

        await call.EmptyAsync();
    }

    /// <summary><c>POST webhooks/{id}/test</c>: one attempt with example data.</summary>
    public async Task TestAsync(MLflowCall call)
    {
        var webhook = await RequireAsync(call);
        var name = call.Body.TryGetProperty("event", out var asked) && asked.ValueKind != JsonValueKind.Null ? Event(asked) : webhook.Events[0];
        var answer = await sender.SendAsync(WebhookTarget.Of(webhook), $"{Guid.CreateVersion7(time.GetUtcNow())}", WebhookEvents.Body(name, WebhookEvents.Examples[name], time.GetUtcNow()), call.Token);
        await call.WriteAsync(json =>
        {
            json.WriteStartObject("result"u8);
            json.WriteBoolean("success"u8, answer.Success);
            if (answer.Status is { } status)
            {
                json.WriteNumber("response_status"u8, status);
                json.WriteString("response_body"u8, answer.Body);
            }

            if (answer.Error is { } error)
            {
                json.WriteString("error_message"u8, $"Failed to test webhook: {error}");
            }

            json.WriteNumber("response_time_ms"u8, answer.Milliseconds);
            json.WriteEndObject();
        });
    }

    private static string Id(MLflowCall call) => (string)call.Context.Request.RouteValues["webhook"]!;

    private async Task<WebhookRow> RequireAsync(MLflowCall call) => await store.FindAsync(call.ProjectId, Id(call), call.Token) ?? throw Missing(Id(call));

    private static MLflowException Missing(string id) => MLflowException.Missing($"Webhook with ID {id} not found.");

    private static string Name(string name)
        => !string.IsNullOrWhiteSpace(name) && name.Length <= MaxName ? name : throw MLflowException.Invalid($"Webhook name must be a non-empty string of at most {MaxName} characters.");

    private static string? Description(MLflowCall call) => call.Text("description") is { } text ? Names.Value(text, "description", "description", MaxDescription) : null;

    // Decided again at each delivery: a name may lead elsewhere by then.
    private async Task<string> UrlAsync(string url, CancellationToken cancellationToken)
    {
        if (string.IsNullOrWhiteSpace(url))
        {
            throw MLflowException.Invalid("Webhook URL cannot be empty or just whitespace");
        }

        if (Uri.TryCreate(url, UriKind.Absolute, out var uri) && uri.Scheme is not ("https" or "http"))
        {
            throw MLflowException.Invalid($"Invalid webhook URL scheme: '{uri.Scheme}'. Allowed schemes are: https, http");
        }

        if (url.Length > MaxUrl || uri is null || uri.UserInfo.Length > 0)
        {
            throw MLflowException.Invalid($"Invalid webhook URL: '{url}'. It must be an absolute http or https URL without user information.");
        }

        return await sender.MayCallAsync(uri, cancellationToken)
            ? url
            : throw MLflowException.Invalid($"Invalid webhook URL: '{url}'. It leads into a private network, which must not be called.");
    }

    private byte[]? Secret(MLflowCall call, string id)
        => call.Text("secret") is { Length: > 0 } secret ? secrets.Protect(WebhookRow.Purpose(id), Names.Value(secret, "secret", "secret", MaxSecret)) : null;

    private static string? Status(MLflowCall call) => call.Text("status") switch
    {
        null or "" => null,
        "ACTIVE" => "ACTIVE",
        "DISABLED" => "DISABLED",
        var status => throw MLflowException.Value("status", $"'{status}'"),
    };

    private static string[]? Events(MLflowCall call)
    {
        if (!call.Body.TryGetProperty("events", out var list) || list.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        if (list.ValueKind != JsonValueKind.Array)
        {
            throw MLflowException.Value("events", list.GetRawText());
        }

        var events = list.EnumerateArray().Select(Event).Distinct(StringComparer.Ordinal).ToArray();
        return events.Length > 0 ? events : throw MLflowException.Invalid("Webhook events cannot be empty");
    }

    // {"entity": "MODEL_VERSION", "action": "CREATED"}, or model_version.created.
    private static string Event(JsonElement value)
    {
        var name = value.ValueKind switch
        {
            JsonValueKind.String => value.GetString()!,
            JsonValueKind.Object => $"{Part(value, "entity")}.{Part(value, "action")}".ToLowerInvariant(),
            _ => throw MLflowException.Value("events", value.GetRawText()),
        };
        return WebhookEvents.Examples.ContainsKey(name)
            ? name
            : throw MLflowException.Invalid($"Invalid entity or action in event string: {name}. Valid events are: {string.Join(", ", WebhookEvents.Examples.Keys)}");
    }

    private static string Part(JsonElement value, string name) => value.TryGetProperty(name, out var part) ? MLflowCall.AsText(part, name) : throw MLflowException.Required(name);

    private static Task WriteAsync(MLflowCall call, WebhookRow row) => call.WriteAsync(json =>
    {
        json.WritePropertyName("webhook"u8);
        Write(json, row);
    });

    // The secret is never shown again.
    private static void Write(Utf8JsonWriter json, WebhookRow row)
    {
        json.WriteStartObject();
        json.WriteString("webhook_id"u8, row.Id);
        json.WriteString("name"u8, row.Name);
        if (row.Description is { } description)
        {
            json.WriteString("description"u8, description);
        }

        json.WriteString("url"u8, row.Url);
        json.WriteStartArray("events"u8);
        foreach (var name in row.Events)
        {
            var dot = name.IndexOf('.', StringComparison.Ordinal);
            json.WriteStartObject();
            json.WriteString("entity"u8, name[..dot].ToUpperInvariant());
            json.WriteString("action"u8, name[(dot + 1)..].ToUpperInvariant());
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteString("status"u8, row.Status);
        json.WriteNumber("creation_timestamp"u8, row.CreatedAt.ToUnixTimeMilliseconds());
        json.WriteNumber("last_updated_timestamp"u8, row.UpdatedAt.ToUnixTimeMilliseconds());
        json.WriteEndObject();
    }
}
