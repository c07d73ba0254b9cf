using AiPlatform.Fuzz.Fuzzing;

namespace AiPlatform.Fuzz.Files;

/// <summary>Files of every kind, changed at random: what is wrong with them must be said, in bounded time and memory.</summary>
internal sealed class FileFuzzer(FuzzReport report)
{
    private const int MaxMegabytes = 700;

    /// <summary>Goes on until the budget is spent.</summary>
    /// <param name="kinds">The kinds to try, in turn.</param>
    /// <param name="cases">A folder with further files to begin from.</param>
    public async Task RunAsync(IReadOnlyList<string> kinds, int seed, FuzzBudget budget, string? cases)
    {
        var seeds = await FileSeeds.LoadAsync(cases);
        var mutators = kinds.ToDictionary(static kind => kind, static kind => new ByteMutator(FileKinds.Dictionary(kind)), StringComparer.Ordinal);
        var random = new Random(seed);
        await using var worker = new FileWorkerProcess();
        for (var i = 0; budget.Take(); i++)
        {
            var kind = kinds[i % kinds.Count];
            var (first, other) = (seeds[kind][random.Next(seeds[kind].Count)], seeds[kind][random.Next(seeds[kind].Count)]);
            var content = mutators[kind].Mutate(first, other, random);
            if (random.Next(3) > 0)
            {
                Checksums.Repair(kind, content);
            }

            await TryAsync(worker, kind, content);
        }
    }

    /// <summary>Reads one file.</summary>
    public async Task<FileState> TryAsync(FileWorkerProcess worker, string kind, byte[] content)
    {
        var (state, megabytes, text) = await worker.ReadAsync(kind, content);
        if (state is FileState.Read or FileState.Refused)
        {
            if (megabytes > MaxMegabytes)
            {
                report.Add(new Finding($"files/{kind}", "takes too much memory", content, $"{megabytes} MB {text}"));
            }
            else
            {
                report.Count($"files/{kind} {(state == FileState.Read ? "read" : "refused")}");
            }
        }
        else
        {
            report.Add(new Finding($"files/{kind}", Problem(state, text), content, text));
        }

        return state;
    }

    // The exception and where it came from make one problem.
    private static string Problem(FileState state, string text)
    {
        var lines = text.Split('\n', StringSplitOptions.TrimEntries);
        var place = lines.FirstOrDefault(static line => line.StartsWith("at AiPlatform.", StringComparison.Ordinal) && !line.Contains("AiPlatform.Fuzz", StringComparison.Ordinal)) ?? string.Empty;
        return $"{state}: {lines[0].Split(": ", 2)[0]} {place.Split(" in /", 2)[0]}".TrimEnd();
    }
}
