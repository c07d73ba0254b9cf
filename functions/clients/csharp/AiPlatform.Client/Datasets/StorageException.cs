using System.Net;

namespace AiPlatform.Client.Datasets;

/// <summary>The storage behind a SAS URL answered with an error.</summary>
public sealed class StorageException : Exception
{
    /// <summary>Creates the exception from an answer.</summary>
    public StorageException(HttpStatusCode status, string body)
        : base($"The storage answered {(int)status}: {(body.Length > 300 ? body[..300] : body)}")
        => Status = status;

    /// <summary>The HTTP status.</summary>
    public HttpStatusCode Status { get; }
}
