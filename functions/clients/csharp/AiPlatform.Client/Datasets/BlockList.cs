using System.Globalization;
using System.Xml.Linq;

namespace AiPlatform.Client.Datasets;

/// <summary>The blocks of a blob that the storage has: those that the blob is made of, and those that wait to be.</summary>
internal sealed class BlockList
{
    private readonly List<(string Id, long Length)> _committed;
    private readonly Dictionary<string, long> _there;

    private BlockList(List<(string Id, long Length)> committed, List<(string Id, long Length)> waiting)
    {
        _committed = committed;
        _there = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var (id, length) in committed.Concat(waiting))
        {
            _there[id] = length;
        }
    }

    /// <summary>Of a blob that is not there.</summary>
    public static BlockList Empty { get; } = new([], []);

    /// <summary>Reads the storage's answer.</summary>
    public static BlockList Parse(XDocument document)
        => new(Read(document.Root?.Element("CommittedBlocks")), Read(document.Root?.Element("UncommittedBlocks")));

    /// <summary>How many blocks there are.</summary>
    public int Count => _there.Count;

    /// <summary>Whether the block is there, as long as it should be.</summary>
    public bool Has(string id, int length) => _there.TryGetValue(id, out var there) && there == length;

    /// <summary>Whether the blob is made of exactly these blocks.</summary>
    public bool IsCommitted(IEnumerable<(string Id, int Length)> blocks) => _committed.SequenceEqual(blocks.Select(static block => (block.Id, (long)block.Length)));

    private static List<(string Id, long Length)> Read(XElement? list)
        => [.. (list?.Elements("Block") ?? []).Select(static block => (block.Element("Name")!.Value, long.Parse(block.Element("Size")!.Value, CultureInfo.InvariantCulture)))];
}
