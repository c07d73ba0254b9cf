using AiPlatform.Data.Pii;

namespace AiPlatform.Data.Profiles;

/// <summary>Counts the rows of a column that hold personal data.</summary>
internal sealed class PiiAccumulator
{
    private const int MaxExamples = 3;
    private static readonly PiiKind[] Kinds = Enum.GetValues<PiiKind>();

    private readonly List<PiiMatch> _matches = [];
    private readonly long[] _rows = new long[Kinds.Length];
    private readonly List<string>?[] _examples = new List<string>?[Kinds.Length];

    /// <summary>Looks at one value.</summary>
    public void Add(ReadOnlySpan<char> text)
    {
        PiiScanner.Scan(text, _matches);
        var seen = 0;
        foreach (var match in _matches)
        {
            var kind = (int)match.Kind;
            if ((seen & (1 << kind)) != 0)
            {
                continue;
            }

            seen |= 1 << kind;
            _rows[kind]++;
            var examples = _examples[kind] ??= [];
            if (examples.Count < MaxExamples && PiiScanner.Mask(text, match) is var masked && !examples.Contains(masked))
            {
                examples.Add(masked);
            }
        }
    }

    /// <summary>What was found.</summary>
    public IReadOnlyList<PiiFinding> Build()
        => [.. Kinds.Where(kind => _rows[(int)kind] > 0).Select(kind => new PiiFinding(kind, _rows[(int)kind], _examples[(int)kind] ?? []))];
}
