namespace AiPlatform.FunctionsHost.Rpc;

/// <summary>The worker ended, or its conversation did, before it answered.</summary>
internal sealed class WorkerLostException(string message, Exception? inner = null) : Exception(message, inner);
