namespace AiPlatform.Contracts;

/// <summary>The body of every error answer (RFC 9457, <c>application/problem+json</c>) with a stable code.</summary>
/// <param name="Code">One of <see cref="ErrorCodes"/>; the same in every language.</param>
/// <param name="Title">A short text in the caller's language.</param>
/// <param name="Status">The HTTP status.</param>
/// <param name="Detail">What was wrong with this request, in the caller's language.</param>
/// <param name="Errors">Messages per field, where single fields are wrong.</param>
public sealed record ProblemResponse(
    string? Code, string? Title, int? Status, string? Detail = null, IReadOnlyDictionary<string, string[]>? Errors = null);
