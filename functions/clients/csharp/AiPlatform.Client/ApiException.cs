using System.Net;
using AiPlatform.Contracts;

namespace AiPlatform.Client;

/// <summary>The API answered with an error.</summary>
public sealed class ApiException : Exception
{
    /// <summary>Creates the exception from an answer.</summary>
    public ApiException(HttpStatusCode status, ProblemResponse? problem, string? body)
        : base($"{(int)status} {problem?.Code}: {problem?.Detail ?? problem?.Title ?? body}")
    {
        Status = status;
        Code = problem?.Code;
        Problem = problem;
    }

    /// <summary>The HTTP status.</summary>
    public HttpStatusCode Status { get; }

    /// <summary>One of <see cref="ErrorCodes"/>; null when the answer was no problem document.</summary>
    public string? Code { get; }

    /// <summary>The whole problem document, where there is one.</summary>
    public ProblemResponse? Problem { get; }

    /// <summary>Whether the same request may succeed later.</summary>
    public bool IsTransient => Status is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError;
}
