using AiPlatform.Contracts.Quality;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Data.Quality;

/// <summary>The one place that knows which step of a report's life may follow which.</summary>
internal static class QualityTransitions
{
    /// <summary>The states in which nothing can happen to a report any more.</summary>
    public static bool IsFinal(QualityReportStatus status) => status is QualityReportStatus.Succeeded or QualityReportStatus.Failed or QualityReportStatus.Cancelled;

    /// <summary>Whether the table has a step between two states. Staying in a state is no step.</summary>
    public static bool IsAllowed(QualityReportStatus from, QualityReportStatus to) => from switch
    {
        QualityReportStatus.Pending => to is QualityReportStatus.Running or QualityReportStatus.Failed or QualityReportStatus.Cancelled,
        QualityReportStatus.Running => to is QualityReportStatus.Succeeded or QualityReportStatus.Failed or QualityReportStatus.Cancelled,
        QualityReportStatus.Succeeded or QualityReportStatus.Failed or QualityReportStatus.Cancelled => false,
        _ => throw new ArgumentOutOfRangeException(nameof(from), from, "Unknown status."),
    };

    /// <summary>Passes when the step is in the table.</summary>
    /// <exception cref="ApiException">409 <c>illegal_transition</c> naming both states.</exception>
    public static void Require(QualityReportStatus from, QualityReportStatus to)
    {
        if (!IsAllowed(from, to))
        {
            throw ApiException.IllegalTransition("qualityReport", from.ToText(), to.ToText());
        }
    }
}
