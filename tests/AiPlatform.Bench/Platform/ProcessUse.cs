namespace AiPlatform.Bench.Platform;

/// <summary>What the platform's processes have used so far, by process.</summary>
internal sealed class ProcessUse
{
    private readonly Dictionary<int, (string Name, double Processor, long Resident)> _processes;

    private ProcessUse(Dictionary<int, (string Name, double Processor, long Resident)> processes) => _processes = processes;

    /// <summary>Looks at all of them. Those that the platform does not name are called by their program.</summary>
    public static ProcessUse Of(PlatformProcess platform)
    {
        var names = platform.Endpoints.GetProperty("processes").EnumerateObject().ToDictionary(part => part.Value.GetInt32(), part => part.Name);
        return new ProcessUse(platform.ProcessTree().ToDictionary(id => id, id =>
        {
            var (name, processor) = ProcFileSystem.Processor(id);
            return (names.GetValueOrDefault(id, name), processor, ProcFileSystem.Memory(id).Rss);
        }));
    }

    /// <summary>
    /// What was used since an earlier look: processor seconds, resident bytes now and their growth. Processes of one name together:
    /// PostgreSQL has one for each connection.
    /// </summary>
    public IReadOnlyList<(string Name, double Processor, long Resident, long Growth)> Since(ProcessUse before)
        => [.. _processes.Keys.Where(before._processes.ContainsKey).GroupBy(id => _processes[id].Name).Select(group => (
            group.Key,
            group.Sum(id => _processes[id].Processor - before._processes[id].Processor),
            group.Sum(id => _processes[id].Resident),
            group.Sum(id => _processes[id].Resident - before._processes[id].Resident)))];
}
