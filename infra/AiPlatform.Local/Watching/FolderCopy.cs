namespace AiPlatform.Local.Watching;

/// <summary>Makes one folder like another; only what differs is written, and as new files: a process may still have the old ones mapped.</summary>
internal static class FolderCopy
{
    /// <summary>Whether a file of <paramref name="source"/> is missing in <paramref name="target"/>, or is another one there.</summary>
    public static bool Differs(string source, string target) => Files(source).Any(file => !Same(Path.Combine(source, file), Path.Combine(target, file)));

    /// <summary>Makes <paramref name="target"/> have what <paramref name="source"/> has, and nothing else.</summary>
    public static void Mirror(string source, string target)
    {
        var wanted = Files(source).ToHashSet(StringComparer.Ordinal);
        Directory.CreateDirectory(target);
        foreach (var file in Files(target).Where(file => !wanted.Contains(file)).ToList())
        {
            File.Delete(Path.Combine(target, file));
        }

        foreach (var file in wanted)
        {
            var (from, to) = (Path.Combine(source, file), Path.Combine(target, file));
            if (!Same(from, to))
            {
                Directory.CreateDirectory(Path.GetDirectoryName(to)!);
                File.Delete(to);
                File.Copy(from, to);
            }
        }
    }

    private static IEnumerable<string> Files(string folder) => Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(folder, file));

    // A rebuilt assembly may have its old size, and a copied one a new time: the bytes decide where these two do not agree.
    private static bool Same(string one, string other)
    {
        var (first, second) = (new FileInfo(one), new FileInfo(other));
        if (!second.Exists || first.Length != second.Length)
        {
            return false;
        }

        if (first.LastWriteTimeUtc == second.LastWriteTimeUtc)
        {
            return true;
        }

        using var left = first.OpenRead();
        using var right = second.OpenRead();
        Span<byte> a = stackalloc byte[8192], b = stackalloc byte[8192];
        while (true)
        {
            var read = left.ReadAtLeast(a, a.Length, throwOnEndOfStream: false);
            if (right.ReadAtLeast(b, b.Length, throwOnEndOfStream: false) != read || !a[..read].SequenceEqual(b[..read]))
            {
                return false;
            }

            if (read == 0)
            {
                return true;
            }
        }
    }
}
