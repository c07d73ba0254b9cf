using AiPlatform.Contracts.Datasets;
using AiPlatform.Orchestrations.Data.Activities;
using AiPlatform.Orchestrations.Data.Models;
using AiPlatform.Orchestrations.Platform;
using Microsoft.DurableTask;

namespace AiPlatform.Orchestrations.Data;

/// <summary>
/// Carries one import from its acceptance to its end: lays the source down where it comes from another server, makes the version, and
/// frees what was laid down. The instance id is the import's id. Every step may be repeated at any point.
/// </summary>
public sealed class DatasetImportOrchestration : TaskOrchestrator<DatasetImportInput, DatasetImportStatus?>
{
    /// <summary>Slices of a download before a new history begins, so that a long one stays small.</summary>
    private const int MaxSlices = 50;

    // Short pauses, so that a cancellation is seen soon; ten minutes of them.
    private static readonly TaskOptions Patient = RetrySchedule.Of(
        attempts: 65, first: TimeSpan.FromSeconds(1), coefficient: 2, longest: TimeSpan.FromSeconds(10), LastingFailure.MayPass);

    // The API may be away for long; what was laid down must not stay for ever.
    private static readonly TaskOptions VeryPatient = RetrySchedule.Of(
        attempts: 120, first: TimeSpan.FromSeconds(1), coefficient: 1.5, longest: TimeSpan.FromMinutes(1), LastingFailure.MayPass);

    /// <inheritdoc />
    public override async Task<DatasetImportStatus?> RunAsync(TaskOrchestrationContext context, DatasetImportInput input)
    {
        ImportOutcome? outcome;
        try
        {
            outcome = await FetchAsync(context, input) ?? new ImportOutcome();
            if (outcome.GoesOn)
            {
                context.ContinueAsNew(input);
                return null;
            }

            if (outcome.Status is null)
            {
                outcome = await context.CallActivityAsync<ImportOutcome>(nameof(MakeImportedVersion), input.ImportId, Patient);
            }
        }
        catch (TaskFailedException exception)
        {
            outcome = new ImportOutcome(DatasetImportStatus.Failed, DatasetImportErrors.GaveUp, [$"{exception.TaskName}: {exception.FailureDetails.ErrorMessage}"]);
        }

        await context.CallActivityAsync(nameof(EndImport), new EndImportInput(input.ImportId, outcome), VeryPatient);
        return outcome.Status;
    }

    /// <summary>How the download ended the import; null when it did not; one that goes on needs a new history.</summary>
    private static async Task<ImportOutcome?> FetchAsync(TaskOrchestrationContext context, DatasetImportInput input)
    {
        for (var slice = 0; slice < MaxSlices; slice++)
        {
            var outcome = await context.CallActivityAsync<ImportOutcome>(nameof(FetchImport), input.ImportId, Patient);
            if (!outcome.GoesOn)
            {
                return outcome.Status is null ? null : outcome;
            }
        }

        return new ImportOutcome(GoesOn: true);
    }
}
