namespace AiPlatform.Local.Processes;

/// <summary>A part of the platform that this launcher keeps running.</summary>
internal interface IPart : IAsyncDisposable
{
    /// <summary>Its name in messages, in <c>endpoints.json</c> and of its log.</summary>
    string Name { get; }

    /// <summary>The process that runs now; null when none does.</summary>
    ProcessIdentity? Identity { get; }

    /// <summary>Starts it and waits until it is ready; from then on it is kept running.</summary>
    Task StartAsync(CancellationToken cancellationToken);

    /// <summary>Starts it no more; it may go on running.</summary>
    Task ReleaseAsync();
}
