using System.ComponentModel.DataAnnotations;

namespace AiPlatform.Kernel.Http;

/// <summary>How many requests one instance serves at once; section <c>Admission</c>.</summary>
public sealed class AdmissionOptions
{
    /// <summary>Requests that are carried out at the same time. More would only wait for the same processors and connections, in no order.</summary>
    [Range(1, 10_000)]
    public int Concurrent { get; set; } = 32;

    /// <summary>Requests that wait for their turn, first come first served; further ones are told to come back.</summary>
    [Range(0, 100_000)]
    public int Waiting { get; set; } = 4096;
}
