using AiPlatform.Ports.MLflow;
using AiPlatform.Tracking.Artifacts;
using AiPlatform.Tracking.Runs;

namespace AiPlatform.MLflow.Registry;

/// <summary>
/// Checks the source of a model version. A path on this machine, or one that leads out of its folder, would give the reader of the
/// model another file than its writer meant; what the run's clients wrote below the configured root is there for all.
/// </summary>
internal static class ModelSource
{
    private const int MaxLength = 1_024;

    /// <summary>The source.</summary>
    /// <param name="run">The run that the version names, where it is known here.</param>
    /// <exception cref="MLflowException">INVALID_PARAMETER_VALUE.</exception>
    public static string Checked(string source, KnownRun? run, DirectArtifacts direct)
    {
        var shown = source.Length <= MaxLength ? source : source[..MaxLength];
        if (IsLocal(source))
        {
            return source.Length <= MaxLength && run is not null && direct.PathOf(run, source) is not null
                ? source
                : throw MLflowException.Invalid(
                    $"Invalid model version source: '{shown}'. To use a local path as a model version source, the run_id request parameter has to be specified and the local path has to be contained within the artifact directory of the run specified by the run_id.");
        }

        var decoded = LocationUri.Decoded(source.Replace('+', ' '));
        return source.Length <= MaxLength && !decoded.Contains('\0', StringComparison.Ordinal) && !decoded.Split('/', '\\').Any(static part => part is "..")
            ? source
            : throw MLflowException.Invalid(
                $"Invalid model version source: '{shown}'. If supplying a source as an http, https, local file path, ftp, objectstore, or mlflow-artifacts uri, an absolute path must be provided without relative path references present. Please provide an absolute path.");
    }

    private static bool IsLocal(string source) => source.StartsWith('/') || source.StartsWith("file:", StringComparison.OrdinalIgnoreCase);
}
