using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Contracts.Models;
using AiPlatform.Contracts.Queues;

namespace AiPlatform.Client;

/// <summary>Calls whose parameters are texts in the document, with the types that the contracts have for them.</summary>
public sealed partial class AiPlatformClient
{
    /// <summary>Sets the rule of a stage or an alias.</summary>
    public Task<PromotionRule> SetPromotionRuleAsync(
        string project, string model, PromotionTarget target, SetPromotionRuleRequest request, CancellationToken cancellationToken)
        => SetPromotionRuleAsync(project, model, Name(target.Kind), target.Name, request, cancellationToken);

    /// <summary>Takes the rule of a stage or an alias away.</summary>
    public Task DeletePromotionRuleAsync(string project, string model, PromotionTarget target, CancellationToken cancellationToken)
        => DeletePromotionRuleAsync(project, model, Name(target.Kind), target.Name, cancellationToken);

    /// <summary>The promotions of all models of a project, newest first.</summary>
    /// <param name="status">Only those with this status; null for all.</param>
    public Task<Page<ModelPromotion>> ListPromotionsAsync(
        string project, PromotionStatus? status, int? pageSize, string? pageToken, CancellationToken cancellationToken)
        => ListPromotionsAsync(project, status is { } wanted ? Name(wanted) : null, pageSize, pageToken, cancellationToken);

    /// <summary>The tasks of a queue, newest first.</summary>
    /// <param name="status">Only those with this status; null for all.</param>
    public Task<Page<QueueTask>> ListQueueTasksAsync(
        string project, string pool, QueueTaskStatus? status, int? pageSize, string? pageToken, CancellationToken cancellationToken)
        => ListQueueTasksAsync(project, pool, status is { } wanted ? Name(wanted) : null, priority: null, pageSize, pageToken, cancellationToken);

    /// <summary>One metric in buckets, smoothed and cut as the query says.</summary>
    public Task<MetricSeries> GetMetricSeriesAsync(string run, string key, MetricSeriesQuery query, CancellationToken cancellationToken)
        => GetMetricSeriesAsync(
            run, key, query.Buckets, fromStep: null, toStep: null, query.Smoothing, query.SmoothingKind is { } kind ? Name(kind) : null,
            query.Axis is { } axis ? Name(axis) : null, query.From, query.To, cancellationToken);

    private static string Name<T>(T value)
        where T : struct, Enum
        => JsonNamingPolicy.CamelCase.ConvertName(value.ToString());
}
