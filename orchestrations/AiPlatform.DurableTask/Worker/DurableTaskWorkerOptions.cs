namespace AiPlatform.DurableTask.Worker;

/// <summary>Options of a worker.</summary>
public sealed class DurableTaskWorkerOptions
{
    /// <summary>Converts payloads.</summary>
    public DataConverter DataConverter { get; set; } = JsonDataConverter.Default;

    /// <summary>How much runs at a time. The hub sends no more than this.</summary>
    public ConcurrencyOptions Concurrency { get; } = new();

    /// <summary>
    /// Whether the hub is told to send only work of registered names. Other work then waits for a worker that knows it; without
    /// this, it fails.
    /// </summary>
    public bool UseWorkItemFilters { get; set; }

    /// <summary>Orchestrators kept in memory between turns, so that a turn needs no replay.</summary>
    public int CachedOrchestrators { get; set; } = 1000;

    /// <summary>How long activities may go on after a stop was asked for, before they are left to another worker.</summary>
    public TimeSpan ShutdownGrace { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Limits of concurrency.</summary>
    public sealed class ConcurrencyOptions
    {
        /// <summary>Activities at a time.</summary>
        public int MaximumConcurrentActivityWorkItems { get; set; } = 100;

        /// <summary>Orchestrator turns at a time.</summary>
        public int MaximumConcurrentOrchestrationWorkItems { get; set; } = 100;
    }
}
