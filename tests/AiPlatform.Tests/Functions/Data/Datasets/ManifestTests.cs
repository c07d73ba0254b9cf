using System.Security.Cryptography;
using System.Text;
using AiPlatform.Contracts.Datasets;
using AiPlatform.Data.Datasets;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using CsCheck;

namespace AiPlatform.Tests.Functions.Data.Datasets;

public sealed class ManifestTests
{
    private static readonly DatasetOptions Options = new();

    /// <summary>Few paths and few contents, so that edits meet each other.</summary>
    private static readonly Gen<Dictionary<string, string>> Files =
        Gen.Select(Gen.Int[0, 7], Gen.Int[0, 4]).Array[1, 12].Select(pairs =>
        {
            var files = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (var (path, content) in pairs)
            {
                files[path < 4 ? $"f{path}" : $"folder/f{path}"] = $"content {content}";
            }

            return files;
        });

    [Fact]
    public void A_diff_applied_to_the_older_manifest_gives_the_newer_one()
        => Gen.Select(Files, Files).Sample((older, newer) =>
        {
            var (summary, changes) = ManifestDiff.Compare(Rows(older), Rows(newer));
            var state = older.ToDictionary(StringComparer.Ordinal);
            foreach (var change in changes)
            {
                _ = change.Kind switch
                {
                    FileChangeKind.Removed => state.Remove(change.Path),
                    FileChangeKind.Renamed => state.Remove(change.OldPath!),
                    _ => true,
                };
            }

            foreach (var change in changes.Where(change => change.Kind != FileChangeKind.Removed))
            {
                state[change.Path] = change.Kind == FileChangeKind.Renamed ? older[change.OldPath!] : newer[change.Path];
            }

            Assert.Equal(newer.OrderBy(file => file.Key, StringComparer.Ordinal), state.OrderBy(file => file.Key, StringComparer.Ordinal));
            Assert.Equal(changes.Count, summary.Added + summary.Removed + summary.Changed + summary.Renamed);
            Assert.Equal(newer.Count, summary.Added + summary.Changed + summary.Renamed + summary.Unchanged);
            Assert.Equal(newer.Values.Sum(Length) - older.Values.Sum(Length), summary.AddedBytes - summary.RemovedBytes);
            Assert.Equal(changes.Select(change => change.Path).Order(StringComparer.Ordinal), changes.Select(change => change.Path));

            // Nothing that has the same content under another name counts as new.
            Assert.Empty(changes.Where(change => change.Kind == FileChangeKind.Added).Select(change => newer[change.Path])
                .Intersect(changes.Where(change => change.Kind == FileChangeKind.Removed).Select(change => older[change.Path]), StringComparer.Ordinal));
        });

    [Fact]
    public void Random_edit_sequences_on_parents_give_what_the_same_edits_give_on_a_dictionary()
        => Gen.Select(Files, Gen.Select(Gen.Bool, Files).Array[1, 6]).Sample((first, edits) =>
        {
            var state = first.ToDictionary(StringComparer.Ordinal);
            var rows = Rows(first);
            foreach (var (removes, files) in edits)
            {
                var remove = removes ? files.Keys.Where(state.ContainsKey).Take(state.Count - 1).ToList() : [];
                var added = removes ? [] : files;
                remove.ForEach(path => state.Remove(path));
                foreach (var (path, content) in added)
                {
                    state[path] = content;
                }

                var request = new CreateDatasetVersionRequest([.. added.Select(file => ToFile(file.Key, file.Value))], Parent: 1, Remove: remove);
                rows = Manifest.Parse(request, rows, Options).Files;
                Assert.Equal(
                    state.OrderBy(file => file.Key, StringComparer.Ordinal).Select(file => $"{file.Key} {ToFile(file.Key, file.Value).Sha256}"),
                    rows.Select(row => $"{row.Path} {row.Hex}"));
            }
        });

    [Fact]
    public void A_folder_is_removed_whole_and_an_entry_that_removes_nothing_is_refused()
    {
        var parent = Rows(new Dictionary<string, string>(StringComparer.Ordinal) { ["a/b"] = "1", ["a/c"] = "2", ["ab"] = "3" });
        var kept = Manifest.Parse(new CreateDatasetVersionRequest([], Parent: 1, Remove: ["a/"]), parent, Options);
        Assert.Equal(["ab"], kept.Files.Select(file => file.Path));
        var missing = Assert.Throws<ApiException>(() => Manifest.Parse(new CreateDatasetVersionRequest([], Parent: 1, Remove: ["a/b", "x"]), parent, Options));
        Assert.Equal("remove[1]", missing.Field);
        var nothing = Assert.Throws<ApiException>(() => Manifest.Parse(new CreateDatasetVersionRequest([], Parent: 1, Remove: ["a/", "ab"]), parent, Options));
        Assert.Equal("files", nothing.Field);
        var conflict = Assert.Throws<ApiException>(() => Manifest.Parse(new CreateDatasetVersionRequest([ToFile("ab/c", "4")], Parent: 1), parent, Options));
        Assert.Equal("files", conflict.Field);
    }

    [Fact]
    public void Chunks_must_add_up_to_the_size()
    {
        var chunks = ChunkList.ToText([new Chunk(new byte[32], 3), new Chunk(new byte[32], 4)]);
        var file = new DatasetFile("big", 7, new string('a', 64), chunks);
        Assert.Equal(2, Manifest.Parse(new CreateDatasetVersionRequest([file]), null, Options).Files[0].Chunks!.Count);
        foreach (var wrong in new[] { file with { Size = 8 }, file with { Chunks = "%" }, file with { Chunks = "AAAA" } })
        {
            var refused = Assert.Throws<ApiException>(() => Manifest.Parse(new CreateDatasetVersionRequest([wrong]), null, Options));
            Assert.Equal("files[0].chunks", refused.Field);
        }
    }

    [Fact]
    public void Only_unknown_chunks_are_asked_for_and_a_file_that_is_mostly_new_is_asked_for_whole()
    {
        var chunks = Enumerable.Range(0, 10).Select(i => new Chunk([.. Enumerable.Repeat((byte)i, 32)], 100)).ToList();
        bool Known(string hash, params int[] unknown) => !unknown.Contains(Convert.FromHexString(hash)[0]);
        Assert.Equal([new ChunkRange(2, 2), new ChunkRange(7, 1)], MissingChunks.Of(chunks, hash => Known(hash, 2, 3, 7)));
        Assert.Empty(MissingChunks.Of(chunks, _ => true)!);
        Assert.Null(MissingChunks.Of(chunks, _ => false));
        Assert.Equal([new ChunkRange(0, 1)], MissingChunks.Of([chunks[0], chunks[1], chunks[0], chunks[0]], hash => Known(hash, 0)));
    }

    private static long Length(string content) => Encoding.UTF8.GetByteCount(content);

    private static DatasetFile ToFile(string path, string content)
        => new(path, Length(content), Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(content))));

    private static IReadOnlyList<DatasetFileRow> Rows(Dictionary<string, string> files)
        => Manifest.Parse(new CreateDatasetVersionRequest([.. files.Select(file => ToFile(file.Key, file.Value))]), null, Options).Files;
}
