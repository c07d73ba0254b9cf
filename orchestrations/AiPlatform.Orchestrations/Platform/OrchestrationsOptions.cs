using System.ComponentModel.DataAnnotations;

namespace AiPlatform.Orchestrations.Platform;

/// <summary>Configuration section <c>Orchestrations</c>.</summary>
public sealed class OrchestrationsOptions
{
    /// <summary>The base address of the HTTP API.</summary>
    [Required]
    public Uri? ApiUrl { get; init; }

    /// <summary>The secret of the service identity <c>orchestrations</c>.</summary>
    [Required]
    public string? ClientSecret { get; init; }
}
