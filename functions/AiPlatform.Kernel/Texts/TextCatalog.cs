using System.Collections.Frozen;
using System.Reflection;
using System.Resources;

namespace AiPlatform.Kernel.Texts;

/// <summary>
/// The texts of the app in English and Chinese: the kernel's, and those that areas bring. An assembly brings every <c>Texts.resx</c> with its
/// <c>Texts.zh-CN.resx</c>, in whatever folder: a feature can keep its own beside its code.
/// </summary>
public static class TextCatalog
{
    private const string English = ".Texts.resources";
    private const string Chinese = ".Texts.zh-CN.resources";

    private static readonly Lock Gate = new();
    private static readonly HashSet<Assembly> Known = [typeof(TextCatalog).Assembly];
    private static volatile TextSet _current = TextSet.Empty.With(Read(typeof(TextCatalog).Assembly, English), Read(typeof(TextCatalog).Assembly, Chinese));

    /// <summary>All texts that are known now.</summary>
    internal static TextSet Current => _current;

    /// <summary>Makes an area's texts known; repeating it changes nothing.</summary>
    /// <exception cref="InvalidOperationException">A key is there already.</exception>
    public static void Add(Assembly assembly)
    {
        lock (Gate)
        {
            if (Known.Add(assembly))
            {
                _current = _current.With(Read(assembly, English), Read(assembly, Chinese));
            }
        }
    }

    /// <summary>A text as it is written, with its placeholders; null when there is none under the key.</summary>
    public static string? Find(string key, bool chinese) => _current.Of(chinese).GetValueOrDefault(key);

    /// <summary>All keys of one language.</summary>
    public static IReadOnlySet<string> Keys(bool chinese) => _current.Of(chinese).Keys.ToHashSet(StringComparer.Ordinal);

    private static IEnumerable<KeyValuePair<string, string>> Read(Assembly assembly, string ending)
    {
        foreach (var name in assembly.GetManifestResourceNames().Where(name => name.EndsWith(ending, StringComparison.Ordinal)))
        {
            using var reader = new ResourceReader(assembly.GetManifestResourceStream(name)!);
            foreach (System.Collections.DictionaryEntry entry in reader)
            {
                yield return new((string)entry.Key, (string)entry.Value!);
            }
        }
    }
}

/// <summary>Texts of both languages by key.</summary>
internal sealed class TextSet
{
    public static readonly TextSet Empty = new(FrozenDictionary<string, string>.Empty, FrozenDictionary<string, string>.Empty);

    private readonly FrozenDictionary<string, string> _english;
    private readonly FrozenDictionary<string, string> _chinese;

    private TextSet(FrozenDictionary<string, string> english, FrozenDictionary<string, string> chinese)
    {
        _english = english;
        _chinese = chinese;
    }

    public FrozenDictionary<string, string> Of(bool chinese) => chinese ? _chinese : _english;

    /// <exception cref="InvalidOperationException">A key is there already.</exception>
    public TextSet With(IEnumerable<KeyValuePair<string, string>> english, IEnumerable<KeyValuePair<string, string>> chinese) => new(Merge(_english, english), Merge(_chinese, chinese));

    private static FrozenDictionary<string, string> Merge(FrozenDictionary<string, string> known, IEnumerable<KeyValuePair<string, string>> more)
    {
        var all = known.ToDictionary(StringComparer.Ordinal);
        foreach (var (key, text) in more)
        {
            if (!all.TryAdd(key, text))
            {
                throw new InvalidOperationException($"Two texts are called {key}.");
            }
        }

        return all.ToFrozenDictionary(StringComparer.Ordinal);
    }
}
