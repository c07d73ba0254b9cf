using AiPlatform.Tracking.Metrics;

namespace AiPlatform.Tracking.LoggedModels;

/// <summary>A metric of a logged model, on data of its own.</summary>
internal sealed record ModelMetric(string ModelId, string DatasetName, string DatasetDigest, MetricRow Point);
