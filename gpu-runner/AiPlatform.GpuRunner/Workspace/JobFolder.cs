namespace AiPlatform.GpuRunner.Workspace;

/// <summary>
/// Removes folders in which job code has been: it may have taken away rights, built more depth than a path can name, or left processes
/// that still write.
/// </summary>
internal static class JobFolder
{
    private const int Attempts = 3;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>Removes a folder with all that is in it; links are removed and not followed.</summary>
    /// <returns>Why it is still there; null when it is gone.</returns>
    public static string? TryDelete(string path)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                Empty(path);
                if (Directory.Exists(path))
                {
                    Directory.Delete(path);
                }

                return null;
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                if (attempt == Attempts)
                {
                    return exception.Message;
                }
            }
        }
    }

    /// <summary>Removes a folder; one that resists is moved into the trash, so that its place is free and nobody waits for it.</summary>
    /// <param name="trash">A folder on the same file system, which <see cref="Trash"/> empties later.</param>
    /// <returns>What went wrong; null when it is gone.</returns>
    public static string? TryDelete(string path, string trash)
    {
        if (TryDelete(path) is not { } reason)
        {
            return null;
        }

        try
        {
            Directory.CreateDirectory(trash, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            Directory.Move(path, Path.Combine(trash, $"{Guid.NewGuid():N}"));
            return $"{reason} It was set aside.";
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return $"{reason} It could not be set aside: {exception.Message}";
        }
    }

    // Each folder's files are removed and its folders are moved up to the top, so that two descriptors are enough for any depth.
    private static void Empty(string path)
    {
        using var top = JobDirectory.Open(path, takeRights: true);
        var (number, began) = (0L, Environment.TickCount64);
        var prefix = $".{Guid.NewGuid():N}-";
        for (var removed = true; top is not null && removed;)
        {
            removed = false;
            top.Rewind();
            while (top.Next() is { } entry)
            {
                if (entry.IsFolder)
                {
                    using var folder = top.Open(entry.Name, takeRights: true);
                    while (folder?.Next() is { } child)
                    {
                        if (!folder.TryRemove(child) && child.IsFolder)
                        {
                            removed |= folder.TryMove(child.Name, top, $"{prefix}{number++}");
                        }
                    }
                }

                removed |= top.TryRemove(entry);
            }

            if (Environment.TickCount64 - began > Patience.TotalMilliseconds)
            {
                return; // What a process goes on writing is found when the folder itself is removed.
            }
        }
    }
}
