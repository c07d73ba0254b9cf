namespace AiPlatform.Kernel.Postgres;

/// <summary>Something to do once at each start, after the migrations and before requests are served. It must be idempotent: several instances may start at once.</summary>
public interface IStartupTask
{
    /// <summary>Does it; a failure is logged and the whole start is tried again.</summary>
    Task RunAsync(CancellationToken cancellationToken);
}
