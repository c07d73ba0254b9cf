using AiPlatform.Contracts;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Contracts.Models;

namespace AiPlatform.Client;

public sealed partial class AiPlatformClient
{
    /// <summary>Creates an experiment.</summary>
    public Task<Experiment> CreateExperimentAsync(string project, CreateExperimentRequest request, CancellationToken cancellationToken)
        => PostAsync<Experiment>($"v1/projects/{Escape(project)}/experiments", request, cancellationToken);

    /// <summary>Creates a run.</summary>
    public Task<Run> CreateRunAsync(string project, string experiment, CreateRunRequest request, CancellationToken cancellationToken)
        => PostAsync<Run>($"v1/projects/{Escape(project)}/experiments/{Escape(experiment)}/runs", request, cancellationToken);

    /// <summary>A run with its params, tags and latest metrics.</summary>
    public Task<Run> GetRunAsync(string run, CancellationToken cancellationToken) => GetAsync<Run>($"v1/runs/{Escape(run)}", cancellationToken);

    /// <summary>Stores a batch of points exactly once.</summary>
    public Task<LogMetricsResponse> LogMetricsAsync(string run, LogMetricsRequest request, CancellationToken cancellationToken)
        => PostAsync<LogMetricsResponse>($"v1/runs/{Escape(run)}/metrics", request, cancellationToken);

    /// <summary>The points of one metric in the default view, by step.</summary>
    public Task<Page<MetricPoint>> ListMetricPointsAsync(string run, string key, int? pageSize, string? pageToken, CancellationToken cancellationToken)
        => GetAsync<Page<MetricPoint>>(Query($"v1/runs/{Escape(run)}/metrics?key={Escape(key)}", pageSize, pageToken), cancellationToken);

    /// <summary>One metric in buckets that keep its extremes.</summary>
    public Task<MetricSeries> GetMetricSeriesAsync(string run, string key, int buckets, CancellationToken cancellationToken)
        => GetAsync<MetricSeries>($"v1/runs/{Escape(run)}/metrics/series?key={Escape(key)}&buckets={buckets}", cancellationToken);

    /// <summary>Metrics of several runs in buckets.</summary>
    public Task<MetricComparison> CompareMetricsAsync(string project, CompareMetricsRequest request, CancellationToken cancellationToken)
        => PostAsync<MetricComparison>($"v1/projects/{Escape(project)}/metrics/compare", request, cancellationToken);

    /// <summary>Whether every point that was numbered has been stored.</summary>
    public Task<MetricsCompleteness> GetMetricsCompletenessAsync(string run, CancellationToken cancellationToken)
        => GetAsync<MetricsCompleteness>($"v1/runs/{Escape(run)}/metrics/completeness", cancellationToken);

    /// <summary>Sets parameters.</summary>
    public Task LogParamsAsync(string run, LogParamsRequest request, CancellationToken cancellationToken)
        => PostAsync($"v1/runs/{Escape(run)}/params", request, cancellationToken);

    /// <summary>Sets tags.</summary>
    public Task SetTagsAsync(string run, SetTagsRequest request, CancellationToken cancellationToken)
        => PostAsync($"v1/runs/{Escape(run)}/tags", request, cancellationToken);

    /// <summary>Says from which step an attempt goes on.</summary>
    public Task ResumeAttemptAsync(string run, int attempt, ResumeRequest request, CancellationToken cancellationToken)
        => PostAsync($"v1/runs/{Escape(run)}/attempts/{attempt}/resume", request, cancellationToken);

    /// <summary>Asks where to put an artifact's bytes.</summary>
    public Task<ArtifactUpload> CreateArtifactUploadAsync(string run, ArtifactUploadRequest request, CancellationToken cancellationToken)
        => PostAsync<ArtifactUpload>($"v1/runs/{Escape(run)}/artifacts/uploads", request, cancellationToken);

    /// <summary>Records an uploaded artifact.</summary>
    public Task<Artifact> CommitArtifactAsync(string run, CommitArtifactRequest request, CancellationToken cancellationToken)
        => PostAsync<Artifact>($"v1/runs/{Escape(run)}/artifacts", request, cancellationToken);

    /// <summary>The artifacts of a run, by path.</summary>
    public Task<Page<Artifact>> ListArtifactsAsync(string run, int? pageSize, string? pageToken, CancellationToken cancellationToken)
        => GetAsync<Page<Artifact>>(Query($"v1/runs/{Escape(run)}/artifacts", pageSize, pageToken), cancellationToken);

    /// <summary>One artifact with a URL to read it.</summary>
    public Task<Artifact> GetArtifactAsync(string run, string path, CancellationToken cancellationToken)
        => GetAsync<Artifact>($"v1/runs/{Escape(run)}/artifacts/{EscapePath(path)}", cancellationToken);

    /// <summary>A registered model by id or name.</summary>
    public Task<RegisteredModel> GetModelAsync(string project, string model, CancellationToken cancellationToken)
        => GetAsync<RegisteredModel>($"v1/projects/{Escape(project)}/models/{Escape(model)}", cancellationToken);

    /// <summary>A version of a registered model, with its lineage.</summary>
    public Task<ModelVersion> GetModelVersionAsync(string project, string model, int version, CancellationToken cancellationToken)
        => GetAsync<ModelVersion>($"v1/projects/{Escape(project)}/models/{Escape(model)}/versions/{version}", cancellationToken);
}
