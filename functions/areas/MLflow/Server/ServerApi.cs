using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Postgres;
using AiPlatform.MLflow.Http;
using AiPlatform.Tracking;
using AiPlatform.Tracking.Artifacts;
using Microsoft.Extensions.Options;

namespace AiPlatform.MLflow.Server;

/// <summary>What MLflow's clients ask about the server before they use what only newer ones have.</summary>
internal sealed class ServerApi(IOptions<MLflowOptions> options)
{
    /// <summary>
    /// The version of MLflow's server that this one stands for. Clients log spans through OTLP from 3.4 on, and expect the routes of the
    /// version that is named here.
    /// </summary>
    public const string Version = "3.6.0";

    /// <summary><c>GET mlflow/server-info</c>.</summary>
    public Task InfoAsync(MLflowCall call) => call.WriteAsync(json =>
    {
        json.WriteString("store_type"u8, "SqlStore"u8);
        json.WriteBoolean("workspaces_enabled"u8, false);
        json.WriteBoolean("trace_archival_enabled"u8, false);
        json.WriteBoolean("multipart_uploads_enabled"u8, options.Value.DirectTransfers);
        json.WriteBoolean("multipart_downloads_enabled"u8, options.Value.DirectTransfers);
    });

    /// <summary>Maps <c>/version</c>, a plain text which needs no account.</summary>
    public static void MapVersion(IEndpointRouteBuilder routes)
        => routes.MapGet("/version", static () => TypedResults.Text(Version)).OpenToAnybody().WithoutDatabase().ExcludeFromDescription();
}
