using AiPlatform.DataFiles.Pii;

namespace AiPlatform.DataFiles.Profiles;

/// <summary>Counts the rows of a column that hold personal data.</summary>
internal sealed class PiiAccumulator
{
    private const int MaxExamples = 3;
    private const int MinCardDigits = 13;
    private const int MaxCardDigits = 19;
    private const double MinCardShare = 0.5;
    private static readonly PiiKind[] Kinds = Enum.GetValues<PiiKind>();

    private readonly List<PiiMatch> _matches = [];
    private readonly long[] _rows = new long[Kinds.Length];
    private readonly List<string>?[] _examples = new List<string>?[Kinds.Length];
    private readonly List<string> _bareExamples = [];
    private long _bareCards;
    private long _cardLike;

    /// <summary>Looks at one value.</summary>
    /// <param name="rows">Rows that hold it.</param>
    public void Add(ReadOnlySpan<char> text, long rows = 1)
    {
        PiiScanner.Scan(text, _matches);
        var seen = 0;
        text = text.Trim();
        var isBare = text.Length is >= MinCardDigits and <= MaxCardDigits && !text.ContainsAnyExceptInRange('0', '9');
        _cardLike += isBare ? rows : 0;
        foreach (var match in _matches)
        {
            var kind = (int)match.Kind;
            if ((seen & (1 << kind)) != 0)
            {
                continue;
            }

            if (isBare && match.Kind == PiiKind.Card)
            {
                _bareCards += rows;
                if (_bareExamples.Count < MaxExamples && PiiScanner.Mask(text, match) is var example && !_bareExamples.Contains(example))
                {
                    _bareExamples.Add(example);
                }

                continue;
            }

            seen |= 1 << kind;
            _rows[kind] += rows;
            var examples = _examples[kind] ??= [];
            if (examples.Count < MaxExamples && PiiScanner.Mask(text, match) is var masked && !examples.Contains(masked))
            {
                examples.Add(masked);
            }
        }
    }

    /// <summary>What was found. Plain digits are cards where most of such values of the column are: one in ten random numbers has the right check digit.</summary>
    public IReadOnlyList<PiiFinding> Build()
    {
        var areCards = _bareCards > 0 && _bareCards >= MinCardShare * _cardLike;
        return [.. Kinds.Select(kind => Finding(kind, areCards && kind == PiiKind.Card)).Where(static finding => finding.Rows > 0)];
    }

    private PiiFinding Finding(PiiKind kind, bool withBare) => new(
        kind, _rows[(int)kind] + (withBare ? _bareCards : 0), [.. (_examples[(int)kind] ?? []).Concat(withBare ? _bareExamples : []).Take(MaxExamples)]);
}
