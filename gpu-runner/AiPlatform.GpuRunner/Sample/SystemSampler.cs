using System.Globalization;
using AiPlatform.Contracts.Experiments;
using AiPlatform.GpuRunner.Detect;
using AiPlatform.GpuRunner.Launch;
using AiPlatform.GpuRunner.Lease;

namespace AiPlatform.GpuRunner.Sample;

/// <summary>
/// Reads what a node uses, as metrics of its run: <c>system/{node}/…</c> under the names that MLflow gives them. Steps are
/// seconds since 1970, so that the readings of all attempts follow each other. GPUs are those that the node was given.
/// </summary>
internal sealed class SystemSampler(DeviceDetector devices, NodeKey key, IReadOnlyList<int> gpus, string folder)
{
    private const double Megabyte = 1_000_000;

    private (long Busy, long Total) _cpu = ProcReadings.Cpu();
    private (long Received, long Sent) _network = ProcReadings.Network();
    private long? _jobTicks;

    /// <summary>One reading of everything; utilisation is the mean since the last one.</summary>
    /// <param name="processes">The processes of the node.</param>
    public IReadOnlyList<MetricPoint> Sample(DateTimeOffset now, IReadOnlyCollection<ProcessEntry> processes)
    {
        var points = new List<MetricPoint>();
        void Add(string name, double? value)
        {
            if (value is { } number && double.IsFinite(number))
            {
                points.Add(new MetricPoint($"system/{key.Node}/{name}", now.ToUnixTimeSeconds(), number, now));
            }
        }

        var cpu = ProcReadings.Cpu();
        Add("cpu_utilization_percentage", cpu.Total == _cpu.Total ? null : Math.Clamp(100.0 * (cpu.Busy - _cpu.Busy) / (cpu.Total - _cpu.Total), 0, 100));
        var memory = DeviceDetector.Memory();
        Add("system_memory_usage_megabytes", (memory.Total - memory.Available) / Megabyte);
        Add("system_memory_usage_percentage", memory.Total == 0 ? null : 100.0 * (memory.Total - memory.Available) / memory.Total);
        var disk = new DriveInfo(folder);
        Add("disk_usage_megabytes", (disk.TotalSize - disk.TotalFreeSpace) / Megabyte);
        Add("disk_usage_percentage", 100.0 * (disk.TotalSize - disk.TotalFreeSpace) / disk.TotalSize);
        Add("disk_available_megabytes", disk.AvailableFreeSpace / Megabyte);
        var network = ProcReadings.Network();
        Add("network_receive_megabytes", (network.Received - _network.Received) / Megabyte);
        Add("network_transmit_megabytes", (network.Sent - _network.Sent) / Megabyte);
        AddJob(Add, processes, cpu.Total - _cpu.Total);
        AddGpus(Add);
        (_cpu, _network) = (cpu, network);
        return points;
    }

    // What the node's own processes use: other nodes may run beside it on this machine.
    private void AddJob(Action<string, double?> add, IReadOnlyCollection<ProcessEntry> processes, long machineTicks)
    {
        var (ticks, memory) = ProcReadings.Usage(processes.Select(process => process.Id));

        // Processes that ended meanwhile took their ticks along: such a difference says nothing.
        add("job_cpu_utilization_percentage", ticks - _jobTicks is { } used and >= 0 && machineTicks > 0 ? 100.0 * used / machineTicks : null);
        add("job_memory_usage_megabytes", memory / Megabyte);
        _jobTicks = ticks;
    }

    private void AddGpus(Action<string, double?> add)
    {
        foreach (var sample in devices.SampleGpus(ProcessTree.JobOf).Where(sample => gpus.Contains(sample.Index)))
        {
            var total = devices.Gpus.First(gpu => gpu.Index == sample.Index).MemoryBytes;
            var name = string.Create(CultureInfo.InvariantCulture, $"gpu_{sample.Index}_");
            add(name + "utilization_percentage", sample.UtilizationPercent);
            add(name + "memory_usage_megabytes", sample.MemoryUsedBytes / Megabyte);
            add(name + "memory_usage_percentage", total > 0 ? 100.0 * sample.MemoryUsedBytes / total : null);
            add(name + "power_usage_watts", sample.PowerWatts);
            add(name + "temperature_celsius", sample.TemperatureCelsius);
        }
    }
}
