namespace AiPlatform.DataFiles;

/// <summary>What was wrong with a file: the first few in full, the rest counted.</summary>
/// <param name="max">How many are kept in full.</param>
public sealed class DataIssues(int max = 50)
{
    private readonly List<DataIssue> _first = [];

    /// <summary>The first ones.</summary>
    public IReadOnlyList<DataIssue> First => _first;

    /// <summary>How many there were in all.</summary>
    public long Count { get; private set; }

    /// <summary>The same issues, to which further ones are added.</summary>
    public DataIssues Copy()
    {
        var copy = new DataIssues(max) { Count = Count };
        copy._first.AddRange(_first);
        return copy;
    }

    /// <summary>Adds one.</summary>
    public void Add(string code, long? line, string message)
    {
        Count++;
        if (_first.Count < max)
        {
            _first.Add(new DataIssue(code, line, message));
        }
    }
}
