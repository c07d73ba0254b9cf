namespace AiPlatform.FunctionsHost;

/// <summary>Of a server inside another: signals are for the process, and whoever started the server stops it.</summary>
internal sealed class NoLifetime : IHostLifetime
{
    /// <inheritdoc />
    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc />
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
