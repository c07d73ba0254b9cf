namespace AiPlatform.Kernel.Http;

/// <summary>What a route reads from the body by itself.</summary>
/// <param name="ContentType"><c>application/json</c> for any JSON; otherwise bytes.</param>
public sealed record DocumentedBody(string ContentType);
