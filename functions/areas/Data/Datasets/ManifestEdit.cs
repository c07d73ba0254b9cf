using AiPlatform.Kernel.Errors;

namespace AiPlatform.Data.Datasets;

/// <summary>Makes a manifest from another one.</summary>
internal static class ManifestEdit
{
    /// <summary>The parent's files without the removed ones, and then with the given ones, which replace files of the same path.</summary>
    /// <param name="remove">Paths; one that ends with <c>/</c> means the whole folder.</param>
    /// <exception cref="ApiException">400 naming an entry that removes nothing.</exception>
    public static List<DatasetFileRow> Apply(IReadOnlyList<DatasetFileRow> parent, IReadOnlyList<string> remove, IReadOnlyDictionary<string, DatasetFileRow> files)
    {
        var kept = parent.ToDictionary(file => file.Path, StringComparer.Ordinal);
        for (var i = 0; i < remove.Count; i++)
        {
            var path = remove[i] ?? string.Empty;
            var gone = path.EndsWith('/')
                ? kept.Keys.Where(name => name.StartsWith(path, StringComparison.Ordinal)).ToList()
                : kept.ContainsKey(path) ? [path] : [];
            Check.That(gone.Count > 0, $"remove[{i}]", "noFile", path);
            gone.ForEach(name => kept.Remove(name));
        }

        foreach (var (path, file) in files)
        {
            kept[path] = file;
        }

        return [.. kept.Values];
    }
}
