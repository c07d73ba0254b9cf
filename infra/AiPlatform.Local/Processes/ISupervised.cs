namespace AiPlatform.Local.Processes;

/// <summary>A server that runs as a child process and can be started again.</summary>
internal interface ISupervised : IAsyncDisposable
{
    /// <summary>Its name in messages, in <c>endpoints.json</c> and of its log.</summary>
    string Name { get; }

    /// <summary>The process that runs now; null when none does.</summary>
    ProcessIdentity? Identity { get; }

    /// <summary>Ends what still runs, starts the server and waits until it is ready.</summary>
    Task RestartAsync(CancellationToken cancellationToken);

    /// <summary>Ends when the process ends.</summary>
    Task WaitForExitAsync(CancellationToken cancellationToken);
}
