using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Kernel.Tick;

/// <summary>
/// Work of the <c>tick</c> timer: bounded, idempotent, safe when several instances tick at once. Register with
/// <c>services.AddSingleton&lt;ITickTask, T&gt;()</c>.
/// </summary>
public interface ITickTask
{
    /// <summary>Does one round. A failure is logged; the other tasks still run.</summary>
    Task RunAsync(CancellationToken cancellationToken);
}
