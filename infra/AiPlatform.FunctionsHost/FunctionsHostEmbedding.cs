using AiPlatform.FunctionsHost.Workers;

namespace AiPlatform.FunctionsHost;

/// <summary>What a program says that holds the host in its own process.</summary>
/// <param name="Configure">Sets options, after those of the environment and the command line.</param>
/// <param name="Observer">Gets what happens to the worker, and its output.</param>
/// <param name="Log">Says where the host's own log goes.</param>
public sealed record FunctionsHostEmbedding(Action<FunctionsHostOptions> Configure, IWorkerObserver Observer, Action<ILoggingBuilder> Log);
