namespace AiPlatform.Hosting;

/// <summary>A URL that a user gave leads where it may not: see <see cref="GuardedHttp"/>.</summary>
/// <param name="message">Names the host, never the address that it leads to.</param>
public sealed class ForbiddenAddressException(string message) : Exception(message);
