using AiPlatform.Client;
using AiPlatform.Contracts.Experiments;
using AiPlatform.GpuRunner.Lease;

namespace AiPlatform.GpuRunner.Report;

/// <summary>Uploads artifacts and checkpoints by SAS URL and commits them; the local copy goes when the commit is acknowledged.</summary>
internal sealed class ArtifactSender(
    NodeState state, NodeDirectory directory, DurableSpool spool, AiPlatformClient client, TimeSpan interval, TimeProvider time,
    ILogger<ArtifactSender> logger)
    : SpoolSender(state.Key, spool, interval, time, logger)
{
    /// <inheritdoc />
    protected override void OnRefused(SpoolRecord record, string reason)
    {
        var artifact = (ArtifactRecord)UploadRecord.Deserialize(record.Payload);
        directory.NoteRefusal($"The {(artifact.Media is null ? "artifact" : "media")} '{artifact.Media?.Key ?? artifact.Path}' could not be stored: {reason}");
        File.Delete(Path.Combine(directory.Contents, artifact.Content));
    }

    /// <inheritdoc />
    protected override async Task<int> SendAsync(IReadOnlyList<SpoolRecord> records, CancellationToken cancellationToken)
    {
        var record = (ArtifactRecord)UploadRecord.Deserialize(records[0].Payload);
        var content = Path.Combine(directory.Contents, record.Content);
        if (!File.Exists(content))
        {
            return 1; // Committed in an earlier life that ended before the acknowledgement was on disk.
        }

        if (record.Media is { } media)
        {
            await client.LogMediaAsync(state.RunId, media, () => File.OpenRead(content), cancellationToken).ConfigureAwait(false);
            File.Delete(content);
            return 1;
        }

        var request = new ArtifactUploadRequest(record.Path, record.Size, record.Sha256);
        var upload = await client.CreateArtifactUploadAsync(state.RunId, request, cancellationToken).ConfigureAwait(false);
        try
        {
            await client.UploadFileAsync(upload.Url, upload.Headers, content, cancellationToken).ConfigureAwait(false);
        }
        catch (ApiException exception) when (IsRefusal(exception))
        {
            // A store refuses a URL that expired while it was away: the next try asks for a new one.
            throw new IOException($"The store did not take {record.Path}: {exception.Message}", exception);
        }

        var commit = new CommitArtifactRequest(record.Path, record.Size, record.Sha256, record.Kind, record.Step, record.Metrics, state.Attempt);
        await client.CommitArtifactAsync(state.RunId, commit, cancellationToken).ConfigureAwait(false);
        File.Delete(content);
        return 1;
    }
}
