using AiPlatform.Contracts.Models;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Registry.Models.Promotions;

/// <summary>The steps of a promotion request: a pending one is decided, taken back or left until it expires; nothing follows that.</summary>
internal static class PromotionTransitions
{
    private static readonly Dictionary<PromotionStatus, PromotionStatus[]> Steps = new()
    {
        [PromotionStatus.Pending] = [PromotionStatus.Approved, PromotionStatus.Rejected, PromotionStatus.Withdrawn, PromotionStatus.Expired],
        [PromotionStatus.Approved] = [],
        [PromotionStatus.Rejected] = [],
        [PromotionStatus.Withdrawn] = [],
        [PromotionStatus.Expired] = [],
    };

    /// <summary>Whether the step is allowed.</summary>
    public static bool Allows(PromotionStatus from, PromotionStatus to) => Steps[from].Contains(to);

    /// <summary>Passes when the step is allowed.</summary>
    /// <exception cref="ApiException">409 <c>illegal_transition</c> naming both states.</exception>
    public static void Require(PromotionStatus from, PromotionStatus to)
    {
        if (!Allows(from, to))
        {
            throw ApiException.IllegalTransition("promotion", from.ToText(), to.ToText());
        }
    }
}
