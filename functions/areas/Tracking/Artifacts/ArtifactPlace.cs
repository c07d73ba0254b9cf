using AiPlatform.Contracts;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Blobs;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.MLflow;
using AiPlatform.Tracking.LoggedModels;
using AiPlatform.Tracking.Runs;

namespace AiPlatform.Tracking.Artifacts;

/// <summary>Whose artifacts a path below the proxy means: a run's, or a logged model's.</summary>
/// <param name="Owner">The run's or the model's id.</param>
/// <param name="Path">Below the owner's root; empty for the root.</param>
internal sealed record ArtifactPlace(string ProjectId, string Owner, bool IsModel, string Path);

/// <summary>Finds places, and refuses those that the caller does not reach or that lead outside.</summary>
internal sealed class ArtifactPlaces(RunDirectory runs, LoggedModelStore models)
{
    /// <summary>The place of <c>{experiment}/{run}/artifacts/{path}</c> or <c>{experiment}/models/{model}/artifacts/{path}</c>.</summary>
    /// <exception cref="MLflowException">INVALID_PARAMETER_VALUE for another path; RESOURCE_DOES_NOT_EXIST.</exception>
    public async Task<ArtifactPlace> RequireAsync(string path, Caller caller, CancellationToken cancellationToken)
    {
        var parts = path.Trim('/').Split('/', 5);
        if (parts.Length >= 4 && parts[1] == "models" && parts[3] == "artifacts")
        {
            return await ModelAsync(parts[2], parts.Length > 4 ? parts[4] : string.Empty, caller, cancellationToken);
        }

        parts = path.Trim('/').Split('/', 4);
        return parts.Length >= 3 && parts[2] == "artifacts"
            ? await RunAsync(parts[1], parts.Length > 3 ? parts[3] : string.Empty, caller, cancellationToken)
            : throw MLflowException.Invalid("Invalid path");
    }

    /// <summary>A path below a run.</summary>
    public async Task<ArtifactPlace> RunAsync(string runId, string path, Caller caller, CancellationToken cancellationToken)
    {
        var run = await runs.RequireAsync(runId, caller, cancellationToken);
        return new ArtifactPlace(run.ProjectId, run.Id, IsModel: false, Checked(path));
    }

    private async Task<ArtifactPlace> ModelAsync(string modelId, string path, Caller caller, CancellationToken cancellationToken)
    {
        var model = await models.RequireAsync(modelId, caller, cancellationToken);
        return new ArtifactPlace(model.ProjectId, model.Id, IsModel: true, Checked(path));
    }

    private static string Checked(string path)
        => path.Length == 0 || RelativePath.Problem(path) is null ? FilePath.Normal(path) : throw MLflowException.Invalid("Invalid path");
}
