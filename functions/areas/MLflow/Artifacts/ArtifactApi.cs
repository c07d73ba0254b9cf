using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Blobs;
using AiPlatform.Kernel.Garbage;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Postgres;
using AiPlatform.MLflow.Http;
using AiPlatform.MLflow.Tracking;
using AiPlatform.Ports.MLflow;
using AiPlatform.Tracking.Artifacts;
using AiPlatform.Tracking.Experiments;
using AiPlatform.Tracking.Runs;
using AiPlatform.Tracking.Search.Index;
using Microsoft.AspNetCore.StaticFiles;
using Microsoft.Extensions.Options;

namespace AiPlatform.MLflow.Artifacts;

/// <summary>
/// Artifacts of MLflow clients: <c>artifacts/list</c>, and the proxy that streams between client and Blob storage, whole or
/// in parts that the client puts into the storage itself.
/// </summary>
internal sealed class ArtifactApi(ArtifactPlaces places, ArtifactFiles files, BlobStorage storage, GarbageQueue garbage, PresignedUploads presigned, DirectArtifacts direct, RunDirectory runs, IOptions<ExperimentOptions> options, TimeProvider time)
{
    private const int MaxParts = 10_000;
    private static readonly FileExtensionContentTypeProvider ContentTypes = new();

    /// <summary><c>GET mlflow/artifacts/list</c>.</summary>
    public async Task ListAsync(MLflowCall call)
    {
        var run = call.Text("run_id") is { Length: > 0 } id ? id : call.RequiredText("run_uuid");
        var place = await places.RunAsync(run, (call.Text("path") ?? string.Empty).Trim('/'), call.Caller, call.Token);
        var known = await runs.RequireAsync(run, call.Caller, call.Token);
        IReadOnlyList<ArtifactEntry> entries;
        if (known.ArtifactLocation is { } location)
        {
            entries = await direct.ListAsync(location, known.Id, place.Path, call.Token);
        }
        else
        {
            await presigned.AdoptAsync(known.Id, call.Token);
            entries = await files.ListAsync(place, call.Token);
        }

        await call.WriteAsync(json =>
        {
            json.WriteString("root_uri"u8, RunDocument.Artifacts(known.ArtifactLocation, known.PublicExperimentId, known.Id));
            Write(json, entries, relativeTo: null);
        });
    }

    /// <summary><c>GET mlflow/logged-models/{model}/artifacts/directories</c>.</summary>
    public async Task ListModelAsync(MLflowCall call)
    {
        var model = (string)call.Context.Request.RouteValues["model"]!;
        var place = await places.RequireAsync($"0/models/{model}/artifacts/{(call.Text("artifact_directory_path") ?? string.Empty).Trim('/')}", call.Caller, call.Token);
        var entries = await files.ListAsync(place, call.Token);
        await call.WriteAsync(json =>
        {
            json.WriteString("root_uri"u8, $"mlflow-artifacts:/models/{model}");
            Write(json, entries, relativeTo: null);
        });
    }

    /// <summary><c>GET mlflow-artifacts/artifacts?path=</c>: paths in the answer are relative to the asked one.</summary>
    public async Task ListProxyAsync(MLflowCall call)
    {
        var place = await places.RequireAsync(call.Text("path") ?? string.Empty, call.Caller, call.Token);
        var entries = await files.ListAsync(place, call.Token);
        await call.WriteAsync(json => Write(json, entries, relativeTo: place.Path));
    }

    /// <summary><c>GET mlflow-artifacts/artifacts/{path}</c>.</summary>
    public async Task DownloadAsync(HttpContext context)
    {
        await SendAsync(context, await PlaceAsync(context));
    }

    /// <summary>Answers a file.</summary>
    public async Task SendAsync(HttpContext context, ArtifactPlace place)
    {
        await presigned.AdoptAsync(place.Owner, context.RequestAborted);
        var (blob, size) = await files.RequireAsync(place, context.RequestAborted);
        await using var content = await storage.OpenReadAsync(BlobStorage.Runs, blob, 0, null, context.RequestAborted) ?? throw MLflowException.Missing($"No such artifact: {place.Path}");
        Describe(context.Response, place.Path);
        context.Response.ContentLength = size;
        await content.CopyToAsync(context.Response.Body, context.RequestAborted);
    }

    /// <summary>Says what kind of file follows. What users upload must not run as a page of this site.</summary>
    public static void Describe(HttpResponse response, string path)
    {
        response.ContentType = ContentTypes.TryGetContentType(path, out var type) && !type.Contains("html", StringComparison.Ordinal) && !type.Contains("svg", StringComparison.Ordinal)
            ? type
            : "application/octet-stream";
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers.ContentDisposition = FileNameHeader.Attachment(path);
    }

    /// <summary><c>PUT mlflow-artifacts/artifacts/{path}</c>.</summary>
    public async Task UploadAsync(HttpContext context)
    {
        var place = await PlaceAsync(context);
        RequireFile(place);
        await files.WriteAsync(place, context.Request.Body, context.Request.ContentLength, context.RequestAborted);
        await EmptyAsync(context);
    }

    /// <summary><c>DELETE mlflow-artifacts/artifacts/{path}</c>.</summary>
    public async Task DeleteAsync(HttpContext context)
    {
        await files.DeleteAsync(await PlaceAsync(context), context.RequestAborted);
        await EmptyAsync(context);
    }

    /// <summary><c>POST mlflow-artifacts/mpu/create/{path}</c>: URLs for the parts, which are blocks of one upload.</summary>
    public async Task CreatePartsAsync(MLflowCall call)
    {
        var place = Below(await PlaceAsync(call.Context), call.Text("path"));
        RequireFile(place);
        var parts = call.Number("num_parts") ?? throw MLflowException.Required("num_parts");
        if (parts is < 1 or > MaxParts)
        {
            throw MLflowException.Value("num_parts", $"{parts}");
        }

        var upload = Ids.New(time);
        await garbage.ExpectAsync(BlobStorage.Runs, Upload(place, upload), options.Value.UrlLifetime, call.Token);
        var url = await storage.UploadUrlAsync(BlobStorage.Runs, Upload(place, upload), options.Value.UrlLifetime, call.Token);
        await call.WriteAsync(json =>
        {
            json.WriteString("upload_id"u8, upload);
            json.WriteStartArray("credentials"u8);
            for (var part = 1; part <= parts; part++)
            {
                json.WriteStartObject();
                json.WriteString("url"u8, $"{url}&comp=block&blockid={Uri.EscapeDataString(BlockId(part))}");
                json.WriteNumber("part_number"u8, part);
                json.WriteStartObject("headers"u8);
                json.WriteEndObject();
                json.WriteEndObject();
            }

            json.WriteEndArray();
        });
    }

    /// <summary><c>POST mlflow-artifacts/mpu/complete/{path}</c>.</summary>
    public async Task CompletePartsAsync(MLflowCall call)
    {
        var place = Below(await PlaceAsync(call.Context), call.Text("path"));
        var upload = Upload(place, UploadId(call));
        var parts = call.Objects("parts").Select(part => new MLflowCall(call.Context, part, call.ProjectId).Number("part_number") ?? throw MLflowException.Required("part_number")).Order().ToList();
        if (parts.Count == 0 || parts.Count > MaxParts)
        {
            throw MLflowException.Value("parts", $"{parts.Count}");
        }

        if (!await storage.CommitBlocksAsync(BlobStorage.Runs, upload, [.. parts.Select(part => BlockId((int)part))], call.Token))
        {
            throw MLflowException.Invalid("A part of the upload is missing.");
        }

        await using (var content = await storage.OpenReadAsync(BlobStorage.Runs, upload, 0, null, call.Token) ?? throw MLflowException.Missing($"No such upload: {place.Path}"))
        await using (var hashing = new HashingStream(content, options.Value.MaxArtifactBytes))
        {
            await hashing.CopyToAsync(Stream.Null, call.Token);
            await files.CommitAsync(place, upload, hashing.Length, hashing.Hash(), call.Token);
        }

        await storage.DeleteAsync(BlobStorage.Runs, upload, call.Token);
        await call.EmptyAsync();
    }

    /// <summary><c>POST mlflow-artifacts/mpu/abort/{path}</c>.</summary>
    public async Task AbortPartsAsync(MLflowCall call)
    {
        var place = Below(await PlaceAsync(call.Context), call.Text("path"));
        await storage.DeleteAsync(BlobStorage.Runs, Upload(place, UploadId(call)), call.Token);
        await call.EmptyAsync();
    }

    /// <summary><c>POST mlflow/artifacts/presigned-download-url</c>.</summary>
    public async Task PresignDownloadAsync(MLflowCall call)
    {
        var place = await places.RunAsync(call.RequiredText("run_id"), call.RequiredText("path"), call.Caller, call.Token);
        await presigned.AdoptAsync(place.Owner, call.Token);
        var (blob, size) = await files.RequireAsync(place, call.Token);
        var url = await storage.DownloadUrlAsync(BlobStorage.Runs, blob, place.Path, Expiration(call) is { } asked && asked < options.Value.UrlLifetime ? asked : options.Value.UrlLifetime, call.Token);
        await call.WriteAsync(json =>
        {
            json.WriteString("presigned_url"u8, url);
            json.WriteStartObject("headers"u8);
            json.WriteEndObject();
            json.WriteNumber("file_size"u8, size);
        });
    }

    /// <summary><c>POST mlflow/artifacts/presigned-upload-url</c>.</summary>
    public async Task PresignUploadAsync(MLflowCall call)
    {
        var place = await places.RunAsync(call.RequiredText("run_id"), call.RequiredText("path"), call.Caller, call.Token);
        await runs.RequireActiveAsync(place.Owner, call.Caller, call.Token);
        var url = await presigned.CreateAsync(place, Expiration(call), call.Token);
        await call.WriteAsync(json =>
        {
            json.WriteString("presigned_url"u8, url);
            json.WriteStartObject("headers"u8);
            json.WriteString("x-ms-blob-type"u8, "BlockBlob"u8);
            json.WriteEndObject();
        });
    }

    /// <summary><c>GET mlflow-artifacts/presigned/{path}</c>: where the file can be read without the proxy.</summary>
    public async Task PresignProxyAsync(HttpContext context)
    {
        var place = await PlaceAsync(context);
        await presigned.AdoptAsync(place.Owner, context.RequestAborted);
        var (blob, size) = await files.RequireAsync(place, context.RequestAborted);
        var url = await storage.DownloadUrlAsync(BlobStorage.Runs, blob, place.Path, options.Value.UrlLifetime, context.RequestAborted);
        context.Response.ContentType = "application/json";
        await context.Response.Body.WriteAsync(
            MLflowJson.Serialize(json =>
            {
                json.WriteString("url"u8, url);
                json.WriteStartObject("headers"u8);
                json.WriteEndObject();
                json.WriteNumber("file_size"u8, size);
            }),
            context.RequestAborted);
    }

    private static TimeSpan? Expiration(MLflowCall call)
        => call.Number("expiration") is not { } seconds ? null
            : seconds is >= 1 and <= 604_800 ? TimeSpan.FromSeconds(seconds)
            : throw MLflowException.Value("expiration", $"{seconds}");

    private async Task<ArtifactPlace> PlaceAsync(HttpContext context)
        => await places.RequireAsync(context.Request.RouteValues["path"] as string ?? string.Empty, context.Features.Get<Caller>()!, context.RequestAborted);

    // Clients name the folder in the route and in the body the file as it is called on their machine: only its last part counts.
    private static ArtifactPlace Below(ArtifactPlace place, string? file)
    {
        var name = LastPart(file ?? throw MLflowException.Required("path"));
        var path = place.Path.Length == 0 ? name : $"{place.Path}/{name}";
        return RelativePath.Problem(path) is null ? place with { Path = FilePath.Normal(path) } : throw MLflowException.Invalid("Invalid path");
    }

    // Of a path on whatever machine.
    private static string LastPart(string path) => path[(path.LastIndexOfAny(['/', '\\']) + 1)..];

    private static void RequireFile(ArtifactPlace place)
    {
        if (place.Path.Length == 0)
        {
            throw MLflowException.Invalid("Invalid path");
        }
    }

    private static string UploadId(MLflowCall call) => call.RequiredText("upload_id") is var id && Ids.IsId(id) ? id : throw MLflowException.Value("upload_id", $"'{id}'");

    private static string Upload(ArtifactPlace place, string id) => $"{place.Owner}/uploads/{id}";

    // All ids of one blob have one length.
    private static string BlockId(int part) => Convert.ToBase64String(System.Text.Encoding.ASCII.GetBytes($"{part:D8}"));

    private static async Task EmptyAsync(HttpContext context)
    {
        context.Response.ContentType = "application/json";
        await context.Response.Body.WriteAsync("{}"u8.ToArray(), context.RequestAborted);
    }

    private static void Write(Utf8JsonWriter json, IReadOnlyList<ArtifactEntry> entries, string? relativeTo)
    {
        json.WriteStartArray("files"u8);
        foreach (var entry in entries)
        {
            json.WriteStartObject();
            json.WriteString("path"u8, relativeTo is { Length: > 0 } ? entry.Path[(relativeTo.Length + 1)..] : entry.Path);
            json.WriteBoolean("is_dir"u8, entry.IsDirectory);
            if (!entry.IsDirectory)
            {
                json.WriteNumber("file_size"u8, entry.Size);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
