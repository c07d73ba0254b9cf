using System.Runtime.InteropServices;

namespace AiPlatform.Client.Datasets;

/// <summary>What an upload does.</summary>
public enum UploadStage
{
    /// <summary>Reads the files for their hashes.</summary>
    Hashing,

    /// <summary>Sends what the project does not have.</summary>
    Sending,

    /// <summary>The server reads the uploads back.</summary>
    Verifying,

    /// <summary>The version is ready.</summary>
    Done,
}

/// <summary>How far an upload is.</summary>
/// <param name="DoneBytes">Of this stage.</param>
/// <param name="TotalBytes">Of this stage; when sending, only what has to be sent.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct UploadProgress(UploadStage Stage, long DoneBytes, long TotalBytes);
