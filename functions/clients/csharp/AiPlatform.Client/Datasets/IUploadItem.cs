namespace AiPlatform.Client.Datasets;

/// <summary>One file that is to be uploaded.</summary>
public interface IUploadItem
{
    /// <summary>Its path in the dataset.</summary>
    string Path { get; }

    /// <summary>Bytes.</summary>
    long Size { get; }

    /// <summary>Opens the bytes from the beginning. A stream that can seek is not read where nothing is needed.</summary>
    Task<Stream> OpenAsync(CancellationToken cancellationToken);
}
