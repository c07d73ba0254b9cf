using AiPlatform.FunctionsHost.App;
using AiPlatform.FunctionsHost.Http;
using AiPlatform.FunctionsHost.Rpc;

namespace AiPlatform.FunctionsHost.Workers;

/// <summary>A worker that has loaded its functions.</summary>
/// <param name="Channel">The conversation with it.</param>
/// <param name="HttpAddress">Where it takes HTTP requests; null when requests are part of the conversation.</param>
/// <param name="Functions">What it offers.</param>
/// <param name="Routes">Its HTTP functions.</param>
internal sealed record RunningWorker(WorkerChannel Channel, string? HttpAddress, IReadOnlyList<FunctionDescription> Functions, RouteTable Routes);
