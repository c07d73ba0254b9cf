using System.Collections.Concurrent;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;

namespace AiPlatform.Fuzz.Fuzzing;

/// <summary>What a run tried and found. The first input of each problem is kept, in a folder where one is given.</summary>
internal sealed class FuzzReport(string? folder = null)
{
    private const int MaxFindings = 200;

    private readonly ConcurrentDictionary<string, Finding> _findings = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, long> _outcomes = new(StringComparer.Ordinal);
    private readonly Stopwatch _clock = Stopwatch.StartNew();

    /// <summary>The first finding of each problem.</summary>
    public IReadOnlyList<Finding> Findings => [.. _findings.Values.OrderBy(static finding => finding.Kind, StringComparer.Ordinal).ThenBy(static finding => finding.Problem, StringComparer.Ordinal)];

    /// <summary>Inputs tried so far.</summary>
    public long Tried => _outcomes.Values.Sum();

    /// <summary>Counts an input that went well.</summary>
    /// <param name="outcome">How it ended, such as <c>files/csv read</c>.</param>
    public void Count(string outcome) => _outcomes.AddOrUpdate(outcome, 1, static (_, count) => count + 1);

    /// <summary>How many inputs ended so.</summary>
    public long Outcome(string outcome) => _outcomes.GetValueOrDefault(outcome);

    /// <summary>Keeps a finding, unless its problem is known.</summary>
    public void Add(Finding finding)
    {
        Count($"{finding.Kind} found");
        var key = $"{finding.Kind} {finding.Problem}";
        if (_findings.Count >= MaxFindings || !_findings.TryAdd(key, finding) || folder is null)
        {
            return;
        }

        var name = Path.Combine(folder, $"{finding.Kind.Replace('/', '-')}-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)))[..8]}");
        Directory.CreateDirectory(folder);
        File.WriteAllBytes(name + ".input", finding.Input);
        File.WriteAllText(name + ".txt", $"{finding.Kind}\n{finding.Problem}\n\n{finding.Detail}\n");
        Console.WriteLine($"FOUND {finding.Kind}: {finding.Problem}  [{name}]");
    }

    /// <summary>The counts, and each finding with its input.</summary>
    public string Explain() => $"{this}\n{string.Join('\n', Findings.Select(static finding => $"{finding.Problem}\n{finding.Detail}\n{Encoding.Latin1.GetString(finding.Input.AsSpan(0, Math.Min(finding.Input.Length, 2_000)))}"))}";

    /// <summary>The counts, one a line, and the findings.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        text.AppendLine($"{Tried} inputs in {_clock.Elapsed.TotalMinutes:0.0} minutes, {_findings.Count} problems");
        foreach (var (outcome, count) in _outcomes.OrderBy(static pair => pair.Key, StringComparer.Ordinal))
        {
            text.AppendLine($"{count,10}  {outcome}");
        }

        foreach (var finding in Findings)
        {
            text.AppendLine($"{finding.Kind}: {finding.Problem}");
        }

        return text.ToString();
    }
}
