using System.Text;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Contracts.Jobs;
using AiPlatform.GpuRunner.Launch;
using Microsoft.Extensions.Options;

namespace AiPlatform.GpuRunner.Workspace;

/// <summary>Lays out what the ranks need: code or recipe, parameters, datasets, the checkpoint.</summary>
internal sealed class WorkspaceStager(IOptions<RunnerOptions> options, DatasetCache cache, BlobDownloader downloader)
{
    private const int ParallelDownloads = 8;

    /// <summary>Folder with the training runtime and the recipes.</summary>
    public string PythonDirectory { get; } = PythonDirectoryOf(options.Value);

    /// <summary>As <see cref="PythonDirectory"/>.</summary>
    public static string PythonDirectoryOf(RunnerOptions options) => Path.GetFullPath(options.PythonDirectory ?? Path.Combine(AppContext.BaseDirectory, "python"));

    /// <summary>Makes the workspace anew; what an earlier try left is removed.</summary>
    /// <exception cref="WorkspaceException">The job can never run.</exception>
    /// <exception cref="HttpRequestException">A download failed; a repeat may succeed.</exception>
    public async Task<(NodeWorkspace Workspace, StagedCheckpoint? Checkpoint)> StageAsync(
        string root, NodeAssignment assignment, UnprivilegedAccount? account, CancellationToken cancellationToken)
    {
        if (JobFolder.TryDelete(root, Trash.FolderOf(options.Value.DataDirectory)) is { } reason && Directory.Exists(root))
        {
            throw new IOException(reason);
        }

        var code = NodeWorkspace.CodeOf(root);
        foreach (var folder in (string[])[code, NodeWorkspace.DataOf(root), NodeWorkspace.HomeOf(root), NodeWorkspace.TemporaryOf(root)])
        {
            Directory.CreateDirectory(folder);
        }

        var workspace = new NodeWorkspace(root, StageCode(code, assignment.Spec));
        await File.WriteAllTextAsync(workspace.ParamsFile, assignment.Spec.Params.GetRawText(), cancellationToken).ConfigureAwait(false);
        foreach (var dataset in assignment.Datasets)
        {
            await StageDatasetAsync(workspace, dataset, cancellationToken).ConfigureAwait(false);
        }

        cache.Trim();
        var checkpoint = assignment.Checkpoint is { } artifact ? await StageCheckpointAsync(root, artifact, cancellationToken).ConfigureAwait(false) : null;
        if (account is not null)
        {
            account.Own(code);
            account.Own(workspace.HomeDirectory);
            account.Own(workspace.TemporaryDirectory);
        }

        return (workspace, checkpoint);
    }

    private string StageCode(string directory, JobSpec spec)
    {
        if (spec.Code is { } code)
        {
            foreach (var (path, text) in code.Files)
            {
                var file = Resolve(directory, path);
                Directory.CreateDirectory(Path.GetDirectoryName(file)!);
                File.WriteAllText(file, text, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
            }

            var entrypoint = Resolve(directory, code.Entrypoint);
            return File.Exists(entrypoint) ? entrypoint : throw new WorkspaceException($"The entrypoint '{code.Entrypoint}' is not among the job's files.");
        }

        var recipe = Resolve(Path.Combine(PythonDirectory, "recipes"), spec.Recipe ?? throw new WorkspaceException("The job has neither recipe nor code."));
        if (spec.Recipe.Contains('/', StringComparison.Ordinal) || !File.Exists(Path.Combine(recipe, "train.py")))
        {
            throw new WorkspaceException($"This runner has no recipe '{spec.Recipe}'.");
        }

        foreach (var file in Directory.EnumerateFiles(recipe, "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(directory, Path.GetRelativePath(recipe, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }

        return Path.Combine(directory, "train.py");
    }

    private async Task StageDatasetAsync(NodeWorkspace workspace, AssignedDataset dataset, CancellationToken cancellationToken)
    {
        var folder = Resolve(workspace.DataDirectory, dataset.Name);
        Directory.CreateDirectory(folder);
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = ParallelDownloads, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(dataset.Files, parallel, async (file, token) =>
        {
            var target = Resolve(folder, file.Path);
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            var cached = await cache.GetAsync(file, token).ConfigureAwait(false);
            if (Detect.NativeMethods.Link(cached, target) != 0)
            {
                File.Copy(cached, target); // The cache is on another file system.
            }
        }).ConfigureAwait(false);
    }

    private async Task<StagedCheckpoint> StageCheckpointAsync(string root, Artifact artifact, CancellationToken cancellationToken)
    {
        var url = artifact.DownloadUrl ?? throw new WorkspaceException("The checkpoint has no download URL.");
        var folder = Directory.CreateDirectory(Path.Combine(root, "checkpoint")).FullName;
        var file = Resolve(folder, artifact.Path.Split('/')[^1]);
        await downloader.DownloadAsync(url, file, artifact.Size, artifact.Sha256, cancellationToken).ConfigureAwait(false);
        return new StagedCheckpoint(file, artifact.Step ?? 0);
    }

    private static string Resolve(string root, string path)
    {
        try
        {
            return SafePath.Resolve(root, path);
        }
        catch (InvalidDataException exception)
        {
            throw new WorkspaceException(exception.Message);
        }
    }
}
