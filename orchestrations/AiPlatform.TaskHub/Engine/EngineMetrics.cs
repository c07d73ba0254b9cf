namespace AiPlatform.TaskHub.Engine;

/// <summary>Reads the engine's queue depths when somebody asks for <c>/metrics</c>.</summary>
internal sealed class EngineMetrics(EngineHost host)
{
    public void Register() => Prometheus.Metrics.DefaultRegistry.AddBeforeCollectCallback(() => host.Engine?.Observe());
}
