using System.Runtime.InteropServices;

namespace AiPlatform.GpuRunner.Workspace;

/// <summary>What job code has written.</summary>
/// <param name="Bytes">Of all files.</param>
/// <param name="Files">Files and folders.</param>
/// <param name="Depth">Folders in each other, at the deepest place.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct ScratchUse(long Bytes, int Files, int Depth)
{
    /// <summary>More folders in each other than this are no workspace; each costs the measurement an open descriptor.</summary>
    public const int MaxDepth = 256;

    /// <summary>Measures folders until one of the limits, or <see cref="MaxDepth"/>, is exceeded. Links are not followed.</summary>
    public static ScratchUse Of(IEnumerable<string> folders, long maxBytes, int maxFiles)
    {
        var (bytes, files, depth) = (0L, 0, 0);
        var open = new Stack<JobDirectory>();
        try
        {
            foreach (var folder in folders)
            {
                Enter(open, () => JobDirectory.Open(folder));
                while (open.TryPeek(out var current) && bytes <= maxBytes && files <= maxFiles && depth <= MaxDepth)
                {
                    depth = Math.Max(depth, open.Count);
                    if (Next(current) is not { } entry)
                    {
                        open.Pop().Dispose();
                        continue;
                    }

                    files++;
                    bytes += entry.IsFolder ? 0 : current.SizeOf(entry.Name);
                    if (entry.IsFolder)
                    {
                        Enter(open, () => current.Open(entry.Name));
                    }
                }
            }

            return new ScratchUse(bytes, files, depth);
        }
        finally
        {
            while (open.TryPop(out var folder))
            {
                folder.Dispose();
            }
        }
    }

    // A folder that cannot be read, or was changed under the walk, counts for itself; the next walk sees the rest.
    private static void Enter(Stack<JobDirectory> open, Func<JobDirectory?> find)
    {
        try
        {
            if (find() is { } folder)
            {
                open.Push(folder);
            }
        }
        catch (IOException)
        {
            // See above.
        }
    }

    private static JobEntry? Next(JobDirectory folder)
    {
        try
        {
            return folder.Next();
        }
        catch (IOException)
        {
            return null; // Removed while it was read.
        }
    }
}
