namespace AiPlatform.GpuRunner.Launch;

/// <summary>Whether job code gets namespaces of its own.</summary>
internal enum SandboxMode
{
    /// <summary>Where bubblewrap is there and the kernel lets it; else the log says why not.</summary>
    Auto,

    /// <summary>Always: the runner does not start where it is impossible.</summary>
    Required,

    /// <summary>Never.</summary>
    Off,
}
