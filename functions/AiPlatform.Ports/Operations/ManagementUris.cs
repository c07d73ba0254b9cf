using System.Text.Json.Serialization;
using AiPlatform.Kernel.Http;

namespace AiPlatform.Ports.Operations;

/// <summary>
/// The management URIs of an instance, named as in the Durable Functions HTTP API. They point to the base that was called;
/// elsewhere to <c>/durabletask</c>.
/// </summary>
public sealed record ManagementUris(
    [property: JsonPropertyName("id")] string Id,
    [property: JsonPropertyName("statusQueryGetUri")] string StatusQueryGetUri,
    [property: JsonPropertyName("sendEventPostUri")] string SendEventPostUri,
    [property: JsonPropertyName("terminatePostUri")] string TerminatePostUri,
    [property: JsonPropertyName("purgeHistoryDeleteUri")] string PurgeHistoryDeleteUri,
    [property: JsonPropertyName("restartPostUri")] string RestartPostUri,
    [property: JsonPropertyName("suspendPostUri")] string SuspendPostUri,
    [property: JsonPropertyName("resumePostUri")] string ResumePostUri,
    [property: JsonPropertyName("rewindPostUri")] string RewindPostUri)
{
    /// <summary>The base that the Functions host lets through.</summary>
    public const string Base = "/durabletask";

    /// <summary>The classic base; the Functions host keeps <c>/runtime</c> to itself, so it works where the app is reached directly.</summary>
    public const string ClassicBase = "/runtime/webhooks/durabletask";

    /// <summary>The URIs of an instance, as seen by the sender of <paramref name="request"/>.</summary>
    public static ManagementUris For(HttpRequest request, string instanceId)
    {
        var path = request.Path.StartsWithSegments(ClassicBase, StringComparison.OrdinalIgnoreCase) ? ClassicBase : Base;
        var instance = $"{PublicAddress.Of(request)}{path}/instances/{Uri.EscapeDataString(instanceId)}";
        return new ManagementUris(
            instanceId,
            instance,
            $"{instance}/raiseEvent/{{eventName}}",
            $"{instance}/terminate?reason={{text}}",
            instance,
            $"{instance}/restart",
            $"{instance}/suspend?reason={{text}}",
            $"{instance}/resume?reason={{text}}",
            $"{instance}/rewind?reason={{text}}");
    }
}
