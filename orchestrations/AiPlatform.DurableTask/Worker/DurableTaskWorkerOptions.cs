namespace AiPlatform.DurableTask.Worker;

/// <summary>Options of a worker.</summary>
public sealed class DurableTaskWorkerOptions
{
    /// <summary>Converts payloads.</summary>
    public DataConverter DataConverter { get; set; } = JsonDataConverter.Default;

    /// <summary>How much runs at a time. The hub sends no more than this.</summary>
    public ConcurrencyOptions Concurrency { get; } = new();

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
