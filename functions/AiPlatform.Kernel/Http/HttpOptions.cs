namespace AiPlatform.Kernel.Http;

/// <summary>Section <c>Http</c>: what stands between callers and this process.</summary>
public sealed class HttpOptions
{
    /// <summary>
    /// The port of 127.0.0.1 on which the app answers by itself, without a Functions host between. Unset, an app that runs alone listens
    /// where <c>ASPNETCORE_URLS</c> says, and a worker nowhere.
    /// </summary>
    public int? DirectPort { get; set; }

    /// <summary>The address under which people and programs reach the platform, such as <c>https://ai.example.org</c>. URLs in answers begin with it.</summary>
    public Uri? PublicUrl { get; set; }

    /// <summary>
    /// Names in <c>Host</c> that URLs in answers may repeat, beside this machine's own; <c>*.example.org</c> stands for every name below.
    /// </summary>
    public string[] AllowedHosts { get; set; } = [];

    /// <summary>
    /// Addresses of reverse proxies whose <c>X-Forwarded-…</c> headers count; none unless named: whoever reaches the port directly could
    /// claim any address and host.
    /// </summary>
    public string[] TrustedProxies { get; set; } = [];
}
