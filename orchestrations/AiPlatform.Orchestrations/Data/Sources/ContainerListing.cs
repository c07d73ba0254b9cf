using System.Globalization;
using System.Text;
using System.Xml.Linq;
using AiPlatform.Client.Datasets;
using AiPlatform.Contracts.Datasets;

namespace AiPlatform.Orchestrations.Data.Sources;

/// <summary>The blobs of a container of Azure Blob storage, by its SAS URL.</summary>
internal static class ContainerListing
{
    /// <summary>Lists blobs, page by page.</summary>
    /// <param name="url">The container with a SAS that may list and read.</param>
    /// <param name="prefix">Only blobs whose names begin so; it is not part of their paths.</param>
    /// <param name="folder">Goes before every path.</param>
    public static async Task<IReadOnlyList<IUploadItem>> ReadAsync(
        HttpClient http, string url, string prefix, string folder, ImportLimits limits, CancellationToken cancellationToken)
    {
        var container = new UriBuilder(url);
        var sas = container.Query.TrimStart('?');
        container.Query = string.Empty;
        var root = container.Uri.AbsoluteUri.TrimEnd('/');
        var items = new List<IUploadItem>();
        string? marker = null;
        do
        {
            var list = $"{root}?restype=container&comp=list&maxresults=1000&prefix={Uri.EscapeDataString(prefix)}{(marker is null ? "" : $"&marker={Uri.EscapeDataString(marker)}")}&{sas}";
            using var response = await SourceHttp.SendAsync(http, new HttpRequestMessage(HttpMethod.Get, list), cancellationToken);
            await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
            var page = await LoadAsync(body, cancellationToken);
            foreach (var blob in page.Root?.Element("Blobs")?.Elements("Blob") ?? [])
            {
                var name = blob.Element("Name")!.Value;
                var path = name[prefix.Length..].TrimStart('/');
                var properties = blob.Element("Properties");
                if (path.Length == 0 || name.EndsWith('/'))
                {
                    continue; // A marker of a folder.
                }

                var blobUrl = $"{root}/{string.Join('/', name.Split('/').Select(Uri.EscapeDataString))}?{sas}";
                var tag = properties?.Element("Etag")?.Value;
                items.Add(new RangeItem(
                    (folder + path).Normalize(NormalizationForm.FormC), long.Parse(properties!.Element("Content-Length")!.Value, CultureInfo.InvariantCulture), http, blobUrl, 0,
                    tag is null ? null : tag.StartsWith('"') ? tag : $"\"{tag}\""));
            }

            if (items.Count > limits.MaxFiles)
            {
                throw new ImportException(DatasetImportErrors.TooManyFiles, $"{limits.MaxFiles}");
            }

            marker = page.Root?.Element("NextMarker")?.Value is { Length: > 0 } next ? next : null;
        }
        while (marker is not null);

        return items;
    }

    private static async Task<XDocument> LoadAsync(Stream body, CancellationToken cancellationToken)
    {
        try
        {
            return await XDocument.LoadAsync(body, LoadOptions.None, cancellationToken);
        }
        catch (System.Xml.XmlException)
        {
            throw new ImportException(DatasetImportErrors.SourceUnreachable, "The address is no container.");
        }
    }
}
