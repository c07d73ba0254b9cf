namespace AiPlatform.Tracking.Artifacts;

/// <summary>Deletes a folder of files, at most so many entries. No link is followed: it is deleted itself.</summary>
internal sealed class FolderDeletion(int max)
{
    private int _left = max;

    /// <summary>Files and links that were deleted, also when an exception ended it.</summary>
    public int Files { get; private set; }

    /// <summary>Their bytes.</summary>
    public long Bytes { get; private set; }

    /// <summary>Deletes a folder with all that is in it, or a link; false when there was more than the limit.</summary>
    /// <exception cref="IOException">The storage refuses, or somebody writes into the folder.</exception>
    /// <exception cref="UnauthorizedAccessException">The process may not delete it.</exception>
    public bool Delete(DirectoryInfo folder)
    {
        if (folder.LinkTarget is not null)
        {
            return DeleteFile(folder);
        }

        if (!folder.Exists)
        {
            return true;
        }

        // Read whole, so that no handle stays open while it goes deeper; what is more than the limit is for later anyway.
        foreach (var entry in folder.EnumerateFileSystemInfos().Take(_left).ToList())
        {
            if (!(entry is DirectoryInfo below ? Delete(below) : DeleteFile(entry)))
            {
                return false;
            }
        }

        if (_left == 0)
        {
            return false;
        }

        folder.Delete();
        _left--;
        return true;
    }

    private bool DeleteFile(FileSystemInfo entry)
    {
        if (_left == 0)
        {
            return false;
        }

        var bytes = entry is FileInfo { LinkTarget: null } file ? file.Length : 0;
        entry.Delete();
        _left--;
        Files++;
        Bytes += bytes;
        return true;
    }
}
