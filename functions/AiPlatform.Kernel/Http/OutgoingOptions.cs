namespace AiPlatform.Kernel.Http;

/// <summary>Addresses that tasks and imports may call. The section is that of the process which calls them, so that one setting serves both.</summary>
public sealed class OutgoingOptions
{
    /// <summary>The section of the configuration.</summary>
    public const string Section = "Tasks";

    /// <summary>Hosts (names or addresses, as in the URL) that may be called although they lead into private networks.</summary>
    public string[] AllowedPrivateHosts { get; set; } = [];
}
