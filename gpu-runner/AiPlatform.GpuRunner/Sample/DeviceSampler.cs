using AiPlatform.Contracts.Runners;
using AiPlatform.GpuRunner.Detect;
using AiPlatform.GpuRunner.Launch;

namespace AiPlatform.GpuRunner.Sample;

/// <summary>Reads all devices, once per heartbeat; keeps the last readings for <c>/metrics</c>.</summary>
internal sealed class DeviceSampler(DeviceDetector devices)
{
    private (long Busy, long Total) _lastCpu = ProcReadings.Cpu();
    private IReadOnlyList<DeviceSample> _last = [];

    /// <summary>The readings of the last heartbeat.</summary>
    public IReadOnlyList<DeviceSample> Last => Volatile.Read(ref _last);

    /// <summary>Reads the devices now. CPU utilisation is the mean since the last call.</summary>
    public IReadOnlyList<DeviceSample> Sample()
    {
        IReadOnlyList<DeviceSample> samples = [.. devices.SampleGpus(ProcessTree.JobOf), SampleCpu()];
        Volatile.Write(ref _last, samples);
        return samples;
    }

    private DeviceSample SampleCpu()
    {
        var now = ProcReadings.Cpu();
        var (busy, total) = (now.Busy - _lastCpu.Busy, now.Total - _lastCpu.Total);
        _lastCpu = now;
        var memory = DeviceDetector.Memory();
        return new DeviceSample(
            devices.Cpu.Index, total <= 0 ? 0 : Math.Clamp(100.0 * busy / total, 0, 100), memory.Total - memory.Available, null, null);
    }
}
