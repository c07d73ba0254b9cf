using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Blobs;
using AiPlatform.Kernel.Postgres;
using AiPlatform.MLflow.Registry;
using AiPlatform.Ports.Identity;
using AiPlatform.Ports.MLflow;
using AiPlatform.Tracking.Artifacts;
using AiPlatform.Tracking.Runs;

namespace AiPlatform.MLflow.Artifacts;

/// <summary>Artifacts as MLflow's web page and scripts after its example ask for them: by the query, beside the REST API.</summary>
internal sealed class PageArtifactApi(ArtifactApi artifacts, ArtifactPlaces places, ArtifactFiles files, DirectArtifacts direct, RunDirectory runs, IProjectScope scope, ModelVersionApi versions)
{
    private const string Proxied = "mlflow-artifacts:";
    private const string OfRun = "runs:/";

    /// <summary><c>GET get-artifact?run_id=&amp;path=</c>.</summary>
    public async Task DownloadAsync(HttpContext context)
    {
        var caller = context.Features.Get<Caller>()!;
        var path = Required(context, "path");
        var place = await places.RunAsync(RunId(context), path, caller, context.RequestAborted);
        await SendAsync(context, await runs.RequireAsync(place.Owner, caller, context.RequestAborted), place);
    }

    /// <summary><c>GET model-versions/get-artifact?name=&amp;version=&amp;path=</c>.</summary>
    public async Task DownloadOfVersionAsync(HttpContext context)
    {
        var caller = context.Features.Get<Caller>()!;
        var path = Required(context, "path");
        if (RelativePath.Problem(path) is not null)
        {
            throw MLflowException.Invalid("Invalid path");
        }

        var project = await scope.ResolveAsync(context, caller);
        var (uri, run) = await versions.LocationAsync(project, Required(context, "name"), Required(context, "version"), caller, context.RequestAborted);
        if (uri.StartsWith(Proxied, StringComparison.Ordinal))
        {
            var root = uri[Proxied.Length..];
            root = root.StartsWith("//", StringComparison.Ordinal) ? root[2..][Math.Max(0, root[2..].IndexOf('/', StringComparison.Ordinal))..] : root;
            await artifacts.SendAsync(context, await places.RequireAsync($"{root.Trim('/')}/{path}", caller, context.RequestAborted));
        }
        else if (uri.StartsWith(OfRun, StringComparison.Ordinal) && uri[OfRun.Length..].Trim('/').Split('/', 2) is [var id, .. var rest])
        {
            var place = await places.RunAsync(id, string.Join('/', [.. rest, path]), caller, context.RequestAborted);
            await SendAsync(context, await runs.RequireAsync(place.Owner, caller, context.RequestAborted), place);
        }
        else if (run is not null && direct.PathOf(run, uri) is { } below)
        {
            await SendAsync(context, run, await places.RunAsync(run.Id, below.Length == 0 ? path : $"{below}/{path}", caller, context.RequestAborted));
        }
        else
        {
            throw new MLflowException("NOT_IMPLEMENTED", $"This server does not read artifacts in '{uri}'. Ask the storage itself.");
        }
    }

    /// <summary><c>GET ajax-api/2.0/mlflow/logged-models/{model}/artifacts/files?artifact_file_path=</c>.</summary>
    public async Task DownloadOfModelAsync(HttpContext context)
    {
        var path = Query(context, "artifact_file_path") ?? throw MLflowException.Invalid("Request must specify artifact_file_path.");
        var model = (string)context.Request.RouteValues["model"]!;
        var place = await places.RequireAsync($"0/models/{model}/artifacts/{path}", context.Features.Get<Caller>()!, context.RequestAborted);
        await artifacts.SendAsync(context, place);
    }

    /// <summary><c>POST ajax-api/2.0/mlflow/upload-artifact?run_uuid=&amp;path=</c>: the body is the file.</summary>
    public async Task UploadAsync(HttpContext context)
    {
        var run = Query(context, "run_uuid") ?? Query(context, "run_id") ?? throw MLflowException.Invalid("Request must specify run_uuid.");
        var path = Query(context, "path") ?? throw MLflowException.Invalid("Request must specify path.");
        var place = await places.RunAsync(run, path, context.Features.Get<Caller>()!, context.RequestAborted);
        if (context.Request.ContentLength is null or 0 && !context.Request.Headers.TransferEncoding.Contains("chunked"))
        {
            throw MLflowException.Invalid("Request must specify data.");
        }

        await files.WriteAsync(place, context.Request.Body, context.Request.ContentLength, context.RequestAborted);
        context.Response.ContentType = "application/json";
        await context.Response.Body.WriteAsync("{}"u8.ToArray(), context.RequestAborted);
    }

    private async Task SendAsync(HttpContext context, KnownRun run, ArtifactPlace place)
    {
        if (run.ArtifactLocation is not { } location)
        {
            await artifacts.SendAsync(context, place);
            return;
        }

        await using var content = await direct.OpenAsync(location, run.Id, place.Path, context.RequestAborted) ?? throw MLflowException.Missing($"No such artifact: {place.Path}");
        ArtifactApi.Describe(context.Response, place.Path);
        await content.CopyToAsync(context.Response.Body, context.RequestAborted);
    }

    private static string RunId(HttpContext context) => Query(context, "run_id") ?? Query(context, "run_uuid") ?? throw MLflowException.Required("run_id");

    private static string Required(HttpContext context, string name) => Query(context, name) ?? throw MLflowException.Required(name);

    private static string? Query(HttpContext context, string name) => context.Request.Query[name] is [{ Length: > 0 } value] ? value : null;
}
