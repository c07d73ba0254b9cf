using System.Net;
using System.Net.Http.Headers;
using AiPlatform.Client;
using AiPlatform.Client.Datasets;
using AiPlatform.Contracts.Datasets;
using AiPlatform.Orchestrations.Data.Models;
using AiPlatform.Orchestrations.Data.Sources;
using AiPlatform.Orchestrations.Platform;

namespace AiPlatform.Orchestrations.Data.Activities;

/// <summary>
/// Lays a file from another server down in the storage, a slice at a time; a repeat goes on by <c>Range</c> from what lies there,
/// as long as the source says that it is the same file.
/// </summary>
internal sealed class FetchImport(AiPlatformClient api, WorkerStop stop, SourceHttp sources, TimeProvider time) : ImportActivity(api, stop)
{
    private static readonly TimeSpan Slice = TimeSpan.FromSeconds(30);

    protected override async Task<ImportOutcome> RunAsync(DatasetImportWork work, ImportWatch watch)
    {
        if (work.Request.Url is null)
        {
            return new ImportOutcome();
        }

        var staging = new BlobStaging(sources.Storage, work.StagingUrl);
        var offset = work.SourceTag is null ? 0 : await staging.ResumeAsync(watch.Token);
        using var response = await sources.GetAsync(work, offset, work.SourceTag, watch.Token);
        if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable && offset > 0)
        {
            // Everything lies there already, in whole blocks.
            await staging.CompleteAsync(watch.Token);
            return new ImportOutcome();
        }

        if (response.StatusCode != HttpStatusCode.PartialContent)
        {
            // The whole file again: the source cannot resume, or has another file by now.
            offset = 0;
            staging.Restart();
        }

        var total = response.Content.Headers.ContentLength + offset;
        if (total > Math.Min(work.Limits.MaxBytes, BlobStaging.MaxBytes))
        {
            throw new ImportException(DatasetImportErrors.TooLarge, $"{work.Limits.MaxBytes}");
        }

        await watch.ReportAsync(new ReportDatasetImportRequest(DatasetImportStatus.Running, offset, total, SourceTag: TagOf(response) ?? "none"));
        return await CopyAsync(work, watch, staging, response, offset, total);
    }

    private async Task<ImportOutcome> CopyAsync(
        DatasetImportWork work, ImportWatch watch, BlobStaging staging, HttpResponseMessage response, long offset, long? total)
    {
        var canResume = TagOf(response) is not null && response.Headers.AcceptRanges.Contains("bytes");
        var end = time.GetTimestamp() + (long)(Slice.TotalSeconds * time.TimestampFrequency);
        await using var source = await response.Content.ReadAsStreamAsync(watch.Token);
        var buffer = new byte[BlobStaging.BlockBytes];
        while (true)
        {
            var count = await source.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, watch.Token);
            if (count > 0)
            {
                await staging.AppendAsync(buffer.AsMemory(0, count), watch.Token);
                offset += count;
            }

            watch.Set(offset, total);
            if (offset > Math.Min(work.Limits.MaxBytes, BlobStaging.MaxBytes))
            {
                throw new ImportException(DatasetImportErrors.TooLarge, $"{work.Limits.MaxBytes}");
            }

            if (count < buffer.Length)
            {
                if (total is { } announced && offset != announced)
                {
                    throw new IOException($"The source ended after {offset} of {announced} bytes.");
                }

                await staging.CompleteAsync(watch.Token);
                return new ImportOutcome();
            }

            if (canResume && time.GetTimestamp() > end)
            {
                return new ImportOutcome(GoesOn: true);
            }
        }
    }

    // Only a strong tag says that the bytes are the same.
    private static string? TagOf(HttpResponseMessage response)
        => response.Headers.ETag is { IsWeak: false } tag ? tag.ToString() : response.Content.Headers.LastModified?.ToString("r", System.Globalization.CultureInfo.InvariantCulture);
}
