using AiPlatform.Contracts.Quality;
using AiPlatform.Orchestrations.Platform;
using AiPlatform.Orchestrations.Quality.Activities;
using AiPlatform.Orchestrations.Quality.Models;
using Microsoft.DurableTask;

namespace AiPlatform.Orchestrations.Quality;

/// <summary>
/// Makes one quality report: outlines the work, looks into tables and images in parallel steps, puts what they found together.
/// The instance id is the report's id. What the steps find goes to the API, not through the history: it may be megabytes.
/// </summary>
public sealed class MakeQualityReport : TaskOrchestrator<QualityReportInput, bool>
{
    private static readonly TaskOptions Retry = RetrySchedule.Of(
        attempts: 10, first: TimeSpan.FromSeconds(1), coefficient: 2, longest: TimeSpan.FromMinutes(1), LastingFailure.MayPass);

    /// <inheritdoc />
    public override async Task<bool> RunAsync(TaskOrchestrationContext context, QualityReportInput input)
    {
        try
        {
            var outline = await context.CallActivityAsync<QualityOutline>(nameof(OutlineQuality), input.ReportId, Retry);
            var steps = new List<Task>();
            for (var part = 0; part < outline.Parts; part++)
            {
                int? batch = outline.HasTables && part == 0 ? null : part - (outline.HasTables ? 1 : 0);
                steps.Add(context.CallActivityAsync<bool>(nameof(ProfileFiles), new QualityStep(input.ReportId, part, outline.Parts, batch), Retry));
            }

            await Task.WhenAll(steps);
            return await context.CallActivityAsync<bool>(nameof(AssembleQuality), new AssembleStep(input.ReportId, outline.Parts), Retry);
        }
        catch (TaskFailedException exception)
        {
            // A report that nobody ends would stand as running for ever.
            return await context.CallActivityAsync<bool>(nameof(FailQuality), new FailStep(input.ReportId, $"{exception.TaskName}: {exception.FailureDetails.ErrorMessage}"), Retry);
        }
    }
}
