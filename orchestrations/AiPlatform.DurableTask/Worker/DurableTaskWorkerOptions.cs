using Microsoft.Extensions.DependencyInjection;

namespace AiPlatform.DurableTask.Worker;

/// <summary>Options of a worker.</summary>
public sealed class DurableTaskWorkerOptions
{
    private DataConverter? _dataConverter;

    /// <summary>How the version of an instance and that of the worker must match.</summary>
    public enum VersionMatchStrategy
    {
        /// <summary>Every version is run.</summary>
        None = 0,

        /// <summary>Only the worker's own version is run.</summary>
        Strict = 1,

        /// <summary>The worker's own version and older ones are run.</summary>
        CurrentOrOlder = 2,
    }

    /// <summary>What happens to an instance whose version does not match.</summary>
    public enum VersionFailureStrategy
    {
        /// <summary>It is given back and waits for another worker.</summary>
        Reject = 0,

        /// <summary>It fails.</summary>
        Fail = 1,
    }

    /// <summary>Converts payloads. Unless set, the <see cref="AiPlatform.DurableTask.DataConverter"/> among the services, or else JSON.</summary>
    public DataConverter DataConverter
    {
        get => _dataConverter ?? JsonDataConverter.Default;
        set => _dataConverter = value;
    }

    /// <summary>Which versions of orchestrations this worker runs; null runs all.</summary>
    public VersioningOptions? Versioning { get; set; }

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

    /// <summary>Takes the services' converter when none was set.</summary>
    internal void UseConverterOf(IServiceProvider services) => _dataConverter ??= services.GetService<DataConverter>();

    /// <summary>Versions of orchestrations.</summary>
    public sealed class VersioningOptions
    {
        /// <summary>The worker's version.</summary>
        public string Version { get; set; } = string.Empty;

        /// <summary>The version that sub-orchestrations are started with when the call names none.</summary>
        public string DefaultVersion { get; set; } = string.Empty;

        /// <summary>How versions must match.</summary>
        public VersionMatchStrategy MatchStrategy { get; set; }

        /// <summary>What happens to instances that do not match.</summary>
        public VersionFailureStrategy FailureStrategy { get; set; }
    }

    /// <summary>Limits of concurrency.</summary>
    public sealed class ConcurrencyOptions
    {
        /// <summary>Activities at a time.</summary>
        public int MaximumConcurrentActivityWorkItems { get; set; } = 100;

        /// <summary>Orchestrator turns at a time.</summary>
        public int MaximumConcurrentOrchestrationWorkItems { get; set; } = 100;

        /// <summary>Batches of entity operations at a time.</summary>
        public int MaximumConcurrentEntityWorkItems { get; set; } = 100;
    }
}
