namespace AiPlatform.GpuRunner.Workspace;

/// <summary>Removes folders in which job code has been: it may have taken away rights, or left processes that still write.</summary>
internal static class JobFolder
{
    private const int Attempts = 3;

    private const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>Removes a folder with all that is in it; links are removed and not followed.</summary>
    /// <returns>Why it is still there; null when it is gone.</returns>
    public static string? TryDelete(string path)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                if (Directory.Exists(path))
                {
                    Directory.Delete(path, recursive: true);
                }

                return null;
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                if (attempt == Attempts)
                {
                    return exception.Message;
                }

                Open(new DirectoryInfo(path));
            }
        }
    }

    // Gives back the rights to folders; one that cannot be changed is found again by the next try to remove it.
    private static void Open(DirectoryInfo folder)
    {
        try
        {
            folder.UnixFileMode |= Owner;
            foreach (var child in folder.EnumerateDirectories("*", new EnumerationOptions { AttributesToSkip = FileAttributes.None, IgnoreInaccessible = true }))
            {
                if (child.LinkTarget is null)
                {
                    Open(child);
                }
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Another account's, or just removed.
        }
    }
}
