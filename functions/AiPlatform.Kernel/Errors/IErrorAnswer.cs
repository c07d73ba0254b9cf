using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Kernel.Errors;

/// <summary>A feature of requests whose clients expect errors in another shape than problem details.</summary>
public interface IErrorAnswer
{
    /// <summary>Writes the answer; nothing of the response has been sent.</summary>
    Task WriteAsync(HttpContext context, ApiException exception);
}
