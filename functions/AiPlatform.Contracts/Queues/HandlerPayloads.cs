using System.Text.Json;

namespace AiPlatform.Contracts.Queues;

/// <summary>The payload of the handler <c>http</c>. A status of 200 to 299 is success; the result is a <see cref="HttpTaskResult"/>.</summary>
/// <param name="Url">An absolute http or https URL.</param>
/// <param name="Method">GET, POST, PUT, PATCH, DELETE or HEAD.</param>
/// <param name="Headers">At most 32.</param>
/// <param name="Body">Sent as JSON.</param>
public sealed record HttpTaskPayload(string Url, string Method = "POST", IReadOnlyDictionary<string, string>? Headers = null, JsonElement? Body = null);

/// <summary>The result of the handler <c>http</c>.</summary>
/// <param name="Body">The first 16 KiB of the answer as text, or less where it would not fit into a result.</param>
/// <param name="Truncated">The answer goes on.</param>
/// <param name="Status">The HTTP status.</param>
public sealed record HttpTaskResult(int Status, string Body, bool Truncated = false);

/// <summary>The payload of the handler <c>python</c>. The function's return value, as JSON, is the result.</summary>
/// <param name="Package">The id of a package of the same project.</param>
/// <param name="Function"><c>module:function</c>; the module is a file of the package.</param>
/// <param name="Arguments">A JSON object: the function's keyword arguments.</param>
public sealed record PythonTaskPayload(string Package, string Function, JsonElement? Arguments = null);
