using System.Net;
using AiPlatform.Client;
using AiPlatform.Contracts.Datasets;
using AiPlatform.Orchestrations.Data.Models;
using AiPlatform.Orchestrations.Platform;
using Microsoft.DurableTask;

namespace AiPlatform.Orchestrations.Data;

/// <summary>
/// A step of an import. What can never succeed becomes the import's end, with its reason; what the platform refuses as well; what may
/// pass is an exception, and the step is repeated.
/// </summary>
internal abstract class ImportActivity(AiPlatformClient api, WorkerStop stop) : TaskActivity<string, ImportOutcome>
{
    /// <summary>The API.</summary>
    protected AiPlatformClient Api { get; } = api;

    /// <inheritdoc />
    public sealed override async Task<ImportOutcome> RunAsync(TaskActivityContext context, string input)
    {
        await using var watch = new ImportWatch(Api, input, stop.Token);
        try
        {
            var work = await Api.GetDatasetImportWorkAsync(input, watch.Token);
            if (work.Import.Status is DatasetImportStatus.Cancelling)
            {
                return new ImportOutcome(DatasetImportStatus.Cancelled);
            }

            return work.Import.Status is DatasetImportStatus.Pending or DatasetImportStatus.Running
                ? await RunAsync(work, watch)
                : new ImportOutcome(work.Import.Status);
        }
        catch (OperationCanceledException) when (watch.IsCancelled && !stop.Token.IsCancellationRequested)
        {
            return new ImportOutcome(DatasetImportStatus.Cancelled);
        }
        catch (ImportException exception)
        {
            return new ImportOutcome(DatasetImportStatus.Failed, exception.Code, exception.Arguments);
        }
        catch (ApiException exception) when (!exception.IsTransient && exception.Status is not (HttpStatusCode.Unauthorized or HttpStatusCode.Conflict))
        {
            return new ImportOutcome(DatasetImportStatus.Failed, DatasetImportErrors.Refused, [exception.Problem?.Detail ?? exception.Message]);
        }
    }

    /// <summary>Does the step; it may be done more than once.</summary>
    protected abstract Task<ImportOutcome> RunAsync(DatasetImportWork work, ImportWatch watch);
}
