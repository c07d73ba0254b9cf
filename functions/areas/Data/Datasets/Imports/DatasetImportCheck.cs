using AiPlatform.Contracts.Datasets;
using AiPlatform.Kernel.Blobs;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Http;
using Microsoft.Extensions.Options;

namespace AiPlatform.Data.Datasets.Imports;

/// <summary>Checks what was requested and says where it leads.</summary>
internal sealed class DatasetImportCheck(DatasetVersionStore versions, BlobStorage storage, OutgoingAddresses addresses, IOptions<ImportOptions> options)
{
    private const int MaxUrl = 8_000;
    private const int MaxDescription = 2_000;

    /// <summary>What the request leads to.</summary>
    /// <param name="Shown">What people see of it: no query, no user name.</param>
    /// <param name="Url">The secret URL; null for an archive of a dataset and for configured containers.</param>
    public readonly record struct Target(string Shown, string? Url);

    /// <summary>Checks a request.</summary>
    /// <exception cref="ApiException">400 <c>invalid_request</c> naming the field; 404 or 409 for a version that it names.</exception>
    public async Task<Target> RequireAsync(DatasetRow dataset, CreateDatasetImportRequest request, CancellationToken cancellationToken)
    {
        var target = Require(request);
        await addresses.RequireAsync([(target.Url, request.Url is null ? "container.url" : "url.url")], cancellationToken);
        if (request.Archive is { } archive)
        {
            await versions.GetReadyFileAsync(dataset.ProjectId, archive.Dataset, archive.Version, archive.Path, cancellationToken);
        }

        if (request.Parent is { } parent)
        {
            await versions.GetReadyAsync(dataset.ProjectId, dataset.Id, parent, cancellationToken);
        }

        return target;
    }

    private Target Require(CreateDatasetImportRequest request)
    {
        Check.Text(request.Description, "description", MaxDescription);
        DatasetTags.ToJson(request.Tags);
        Check.That(request.Remove is null || request.Parent is not null, "parent", "required");
        if (request.Folder is { } folder)
        {
            var problem = RelativePath.Problem(folder);
            Check.That(problem is null, "folder", "path", problem);
        }

        var sources = (request.Url is null ? 0 : 1) + (request.Container is null ? 0 : 1) + (request.Archive is null ? 0 : 1);
        Check.That(sources == 1, "url", "oneSource");
        return request switch
        {
            { Url: { } url } => RequireUrl(url),
            { Container: { } container } => RequireContainer(container),
            { Archive: { } archive } => new Target($"{archive.Dataset}@{archive.Version}/{archive.Path}", null),
            _ => throw ApiException.Invalid("url", "required"),
        };
    }

    private Target RequireUrl(ImportUrl source)
    {
        Check.That(source.Sha256 is null || ContentHash.TryParse(source.Sha256, out _), "url.sha256", "sha256");
        var problem = source.FileName is null ? null : RelativePath.Problem(source.FileName);
        Check.That(problem is null, "url.fileName", "path", problem);
        return new Target(Shown(RequireAddress(source.Url, "url.url")), source.Url);
    }

    private Target RequireContainer(ImportContainer source)
    {
        Check.That(source.Url is null != source.Name is null, "container.url", "excludes", "container.name");
        Check.Text(source.Prefix, "container.prefix", 1_024);
        if (source.Name is { } name)
        {
            Check.That(options.Value.Containers.Count > 0, "container.name", "noContainers");
            Check.That(options.Value.Containers.ContainsKey(name), "container.name", "oneOf", string.Join(", ", options.Value.Containers.Keys));
            return new Target($"{name}/{source.Prefix}", null);
        }

        return new Target($"{Shown(RequireAddress(source.Url!, "container.url"))}/{source.Prefix}", source.Url);
    }

    private Uri RequireAddress(string url, string field)
    {
        Check.Length(url, field, 1, MaxUrl);
        Check.That(Uri.TryCreate(url, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && uri.UserInfo.Length == 0, field, "url");

        // The files of the platform belong to projects: whoever may read them asks the API.
        Check.That(!storage.IsPlatformBlob(uri!), field, "platformStorage");
        return uri!;
    }

    private static string Shown(Uri uri) => uri.GetLeftPart(UriPartial.Path).TrimEnd('/');
}
