using System.Runtime.CompilerServices;
using AiPlatform.Client;
using AiPlatform.Contracts.Quality;
using AiPlatform.DataFiles.Quality;
using AiPlatform.DataFiles.Sources;
using AiPlatform.DataFiles.Tables;

namespace AiPlatform.Orchestrations.Quality;

/// <summary>The files of a version, read by ranges straight from the storage. Pages of the list are fetched as they are needed, so that URLs are fresh.</summary>
internal sealed class VersionFiles(AiPlatformClient api, TimeProvider time) : IDisposable
{
    /// <summary>Images that one step looks at.</summary>
    public const int ImagesOfBatch = 500;

    private const int PageSize = 200;

    private readonly HttpClient _storage = new(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.FromMinutes(5) }) { Timeout = TimeSpan.FromMinutes(2) };

    /// <summary>The files whose format is wanted, by path.</summary>
    public async IAsyncEnumerable<QualityFile> ListAsync(
        QualityReport report, Func<FileFormat, bool> wanted, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string? next = null;
        do
        {
            var page = await api.ListDatasetFilesAsync(report.ProjectId, report.DatasetId, report.Version, prefix: null, PageSize, next, cancellationToken);
            foreach (var file in page.Items)
            {
                if (wanted(FileFormats.Of(file.Path)))
                {
                    yield return new QualityFile(file.Path, new HttpRangeSource(_storage, new Uri(file.Url), file.Size, time, file.Sha256));
                }
            }

            next = page.NextPageToken;
        }
        while (next is not null);
    }

    /// <summary>The images of one batch.</summary>
    public async IAsyncEnumerable<QualityFile> ImagesAsync(QualityReport report, int batch, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var index = 0;
        await foreach (var file in ListAsync(report, static format => format == FileFormat.Image, cancellationToken))
        {
            if (index / ImagesOfBatch > batch)
            {
                yield break;
            }

            if (index++ / ImagesOfBatch == batch)
            {
                yield return file;
            }
        }
    }

    public void Dispose() => _storage.Dispose();
}
