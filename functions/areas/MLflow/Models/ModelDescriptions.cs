using System.Text;
using System.Text.Json;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Blobs;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.MLflow;
using AiPlatform.Ports.Registry;
using AiPlatform.Registry.Models;
using AiPlatform.Tracking.Artifacts;
using AiPlatform.Tracking.LoggedModels;
using AiPlatform.Tracking.Runs;
using Azure;

namespace AiPlatform.MLflow.Models;

/// <summary>
/// Reads signatures and input examples from the <c>MLmodel</c> files next to what versions are registered from. A version can be
/// registered from anything: where there is no such file, or one that cannot be read, it has neither.
/// </summary>
internal sealed partial class ModelDescriptions(
    ArtifactPlaces places, ArtifactFiles files, PresignedUploads presigned, DirectArtifacts direct, RunDirectory runs, BlobStorage storage, ILogger<ModelDescriptions> logger) : IModelDescriptions
{
    private const string FileName = "MLmodel";
    private const int MaxFile = 1 << 20;

    // Frameworks keep their weights a few folders below the file.
    private const int MaxLevels = 4;

    /// <summary>Opens a file of the model's owner by its path; null when there is none.</summary>
    private delegate Task<Stream?> OpenFile(string path);

    /// <inheritdoc />
    public Task<ModelDescription> OfArtifactAsync(string projectId, string runId, string path, CancellationToken cancellationToken)
        => ReadAsync(path, Proxied(new ArtifactPlace(projectId, runId, IsModel: false, path), cancellationToken), cancellationToken);

    /// <summary>Of the model that a version's source names.</summary>
    /// <param name="run">The run that the version names; its directly written artifacts can be the source.</param>
    /// <param name="logged">The logged model that the version names; it decides.</param>
    public async Task<ModelDescription> OfSourceAsync(string source, KnownRun? run, LoggedModelRow? logged, Caller caller, CancellationToken cancellationToken)
    {
        if (logged is not null)
        {
            return await ReadAsync(string.Empty, Proxied(new ArtifactPlace(logged.ProjectId, logged.Id, IsModel: true, string.Empty), cancellationToken), cancellationToken);
        }

        if (run is not null && direct.PathOf(run, source) is { } path)
        {
            return await ReadAsync(path, Direct(run, cancellationToken), cancellationToken);
        }

        try
        {
            if (await PlaceAsync(source, caller, cancellationToken) is not { } place)
            {
                return ModelDescription.None;
            }

            if (!place.IsModel)
            {
                var owner = await runs.RequireAsync(place.Owner, caller, cancellationToken);
                if (owner.ArtifactLocation is not null)
                {
                    return await ReadAsync(place.Path, Direct(owner, cancellationToken), cancellationToken);
                }

                await presigned.AdoptAsync(owner.Id, cancellationToken);
            }

            return await ReadAsync(place.Path, Proxied(place, cancellationToken), cancellationToken);
        }
        catch (Exception exception) when (exception is MLflowException or RequestFailedException)
        {
            // The source may be somebody else's, or nowhere, or out of reach for now: a registry only notes it.
            LogUnread(logger, source, exception.Message);
            return ModelDescription.None;
        }
    }

    private OpenFile Proxied(ArtifactPlace owner, CancellationToken cancellationToken) => async path =>
        await files.FindAsync(owner with { Path = path }, cancellationToken) is { } file ? await storage.OpenReadAsync(BlobStorage.Runs, file.Blob, 0, null, cancellationToken) : null;

    private OpenFile Direct(KnownRun run, CancellationToken cancellationToken) => path => direct.OpenAsync(run.ArtifactLocation!, run.Id, path, cancellationToken);

    // mlflow-artifacts:[//host]/{experiment}/{run}/artifacts/{path} and runs:/{run}/{path}.
    private async Task<ArtifactPlace?> PlaceAsync(string source, Caller caller, CancellationToken cancellationToken)
    {
        if (!Uri.TryCreate(source, UriKind.Absolute, out var uri))
        {
            return null;
        }

        var path = Uri.UnescapeDataString(uri.AbsolutePath).Trim('/');
        var parts = path.Split('/', 2);
        return uri.Scheme switch
        {
            "mlflow-artifacts" => await places.RequireAsync(path, caller, cancellationToken),
            "runs" => await places.RunAsync(parts[0], parts.ElementAtOrDefault(1) ?? string.Empty, caller, cancellationToken),
            _ => null,
        };
    }

    // The path is the model's folder, or a file somewhere in it.
    private async Task<ModelDescription> ReadAsync(string path, OpenFile open, CancellationToken cancellationToken)
    {
        try
        {
            for (var (folder, level) = (path, 0); level <= MaxLevels; folder = Parent(folder), level++)
            {
                if (await TextAsync(open, Join(folder, FileName), cancellationToken) is { } yaml)
                {
                    var model = MLmodel.Parse(yaml);
                    var example = model.ExamplePath is { } file ? await ExampleAsync(open, Join(folder, file), cancellationToken) : null;
                    return new ModelDescription(Bounded(model.Signature), example);
                }

                if (folder.Length == 0)
                {
                    break;
                }
            }
        }
        catch (Exception exception) when (exception is FormatException or IOException or UnauthorizedAccessException or RequestFailedException)
        {
            LogUnread(logger, Join(path, FileName), exception.Message);
        }

        return ModelDescription.None;
    }

    // A bad example does not make the signature worse.
    private async Task<JsonElement?> ExampleAsync(OpenFile open, string path, CancellationToken cancellationToken)
    {
        try
        {
            return RelativePath.Problem(path) is null && await TextAsync(open, path, cancellationToken) is { } text ? Bounded(MLmodel.Json(text)) : null;
        }
        catch (FormatException exception)
        {
            LogUnread(logger, path, exception.Message);
            return null;
        }
    }

    private static async Task<string?> TextAsync(OpenFile open, string path, CancellationToken cancellationToken)
    {
        await using var content = await open(path);
        if (content is null)
        {
            return null;
        }

        var bytes = new byte[MaxFile + 1];
        var length = await content.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancellationToken);
        return length <= MaxFile ? Encoding.UTF8.GetString(bytes.AsSpan(0, length)) : throw new FormatException($"it has more than {MaxFile} bytes");
    }

    private static JsonElement? Bounded(JsonElement? json)
        => json is null || json.Value.GetRawText().Length <= ModelChecks.MaxJson ? json : throw new FormatException($"it has more than {ModelChecks.MaxJson} characters");

    private static string Join(string folder, string name) => folder.Length == 0 ? name : $"{folder}/{name}";

    private static string Parent(string path) => path.LastIndexOf('/') is > 0 and var slash ? path[..slash] : string.Empty;

    [LoggerMessage(400, LogLevel.Warning, "No description of a model was read from {Source}: {Reason}")]
    private static partial void LogUnread(ILogger logger, string source, string reason);
}
