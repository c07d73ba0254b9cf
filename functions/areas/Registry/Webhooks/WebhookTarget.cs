namespace AiPlatform.Registry.Webhooks;

/// <summary>Whom an attempt is for.</summary>
/// <param name="Id">The webhook.</param>
/// <param name="Url">Where it is sent.</param>
/// <param name="Secret">Encrypted; null when deliveries are not signed.</param>
internal sealed record WebhookTarget(string Id, string Url, byte[]? Secret)
{
    /// <summary>That of a webhook.</summary>
    public static WebhookTarget Of(WebhookRow webhook) => new(webhook.Id, webhook.Url, webhook.Secret);
}
