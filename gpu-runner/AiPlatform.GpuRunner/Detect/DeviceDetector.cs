using System.Globalization;
using AiPlatform.Contracts.Runners;
using Microsoft.Extensions.Options;

namespace AiPlatform.GpuRunner.Detect;

/// <summary>What this machine computes with: its GPUs, and behind them the CPU as one device.</summary>
internal sealed class DeviceDetector : IDisposable
{
    private readonly Nvml? _nvml;

    public DeviceDetector(IOptions<RunnerOptions> options, ILogger<DeviceDetector> logger)
    {
        _nvml = Nvml.TryOpen(options.Value.NvmlLibrary);
        Gpus = _nvml?.Devices() ?? [];
        Cpu = new Device(Gpus.Count == 0 ? 0 : Gpus.Max(static gpu => gpu.Index) + 1, "cpu", CpuName(), null, Memory().Total);
        Logs.DevicesDetected(logger, Gpus.Count, _nvml?.DriverVersion ?? "none", Environment.ProcessorCount);
    }

    /// <summary>The GPUs, by index.</summary>
    public IReadOnlyList<Device> Gpus { get; }

    /// <summary>All cores together.</summary>
    public Device Cpu { get; }

    /// <summary>All devices as they are registered.</summary>
    public IReadOnlyList<Device> All => [.. Gpus, Cpu];

    /// <summary>One reading of each GPU that answers.</summary>
    /// <param name="jobOf">The job that a process belongs to, if it is one of ours.</param>
    public IEnumerable<DeviceSample> SampleGpus(Func<int, string?> jobOf)
        => Gpus.Select(gpu => Nvml.Sample(gpu.Index, jobOf)).OfType<DeviceSample>();

    /// <summary>The machine's memory in bytes, from <c>/proc/meminfo</c>.</summary>
    public static (long Total, long Available) Memory()
    {
        var lines = File.ReadAllLines("/proc/meminfo");
        return (Kilobytes(lines, "MemTotal:"), Kilobytes(lines, "MemAvailable:"));
    }

    /// <inheritdoc />
    public void Dispose() => _nvml?.Dispose();

    private static long Kilobytes(string[] lines, string field)
        => lines.FirstOrDefault(line => line.StartsWith(field, StringComparison.Ordinal)) is { } line
            ? long.Parse(line[field.Length..].Replace("kB", "", StringComparison.Ordinal).Trim(), CultureInfo.InvariantCulture) * 1024
            : 0;

    private static string CpuName()
    {
        var line = File.ReadLines("/proc/cpuinfo").FirstOrDefault(static line => line.StartsWith("model name", StringComparison.Ordinal));
        var name = line is null ? "CPU" : line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
        return $"{name} ({Environment.ProcessorCount} cores)";
    }
}
