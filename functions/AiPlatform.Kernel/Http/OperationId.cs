namespace AiPlatform.Kernel.Http;

/// <summary>The name of an operation in the API's document.</summary>
/// <param name="Id">Lower camel case, such as <c>listJobs</c>.</param>
public sealed record OperationId(string Id);
