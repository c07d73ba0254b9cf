namespace AiPlatform.Local.Platform;

/// <summary>Gets what happens while the platform starts and runs.</summary>
internal interface IPlatformProgress
{
    /// <summary>A part answers.</summary>
    void PartIsReady(string name, TimeSpan took);

    /// <summary>Something to tell the user, one line.</summary>
    void Report(string line);
}
