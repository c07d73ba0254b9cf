using System.Globalization;
using System.Text;
using AiPlatform.GpuRunner.Detect;
using AiPlatform.GpuRunner.Lease;

namespace AiPlatform.GpuRunner.Sample;

/// <summary>The runner's metrics in Prometheus' text format; GPUs under the names of the DCGM exporter.</summary>
internal sealed class MetricsText(DeviceDetector devices, DeviceSampler sampler, ActiveNodes active)
{
    private const double Mebibyte = 1 << 20;

    /// <summary>The readings of the last heartbeat.</summary>
    public string Write()
    {
        var text = new StringBuilder();
        Gauge(text, "aip_runner_nodes_running", "Nodes that run.", "", active.Count);
        Gauge(text, "aip_runner_draining", "1 when no more work is taken.", "", active.Draining ? 1 : 0);
        foreach (var sample in sampler.Last)
        {
            if (devices.Gpus.FirstOrDefault(gpu => gpu.Index == sample.Index) is not { } gpu)
            {
                Gauge(text, "aip_runner_cpu_utilization_percent", "All cores together.", "", sample.UtilizationPercent);
                Gauge(text, "aip_runner_memory_used_bytes", "Memory in use.", "", sample.MemoryUsedBytes);
                continue;
            }

            var labels = $"{{gpu=\"{gpu.Index}\",UUID=\"{gpu.Uuid}\",modelName=\"{gpu.Name}\"}}";
            Gauge(text, "DCGM_FI_DEV_GPU_UTIL", "GPU utilization (in %).", labels, sample.UtilizationPercent);
            Gauge(text, "DCGM_FI_DEV_FB_USED", "Framebuffer memory used (in MiB).", labels, sample.MemoryUsedBytes / Mebibyte);
            Gauge(text, "DCGM_FI_DEV_FB_FREE", "Framebuffer memory free (in MiB).", labels, (gpu.MemoryBytes - sample.MemoryUsedBytes) / Mebibyte);
            Gauge(text, "DCGM_FI_DEV_GPU_TEMP", "GPU temperature (in C).", labels, sample.TemperatureCelsius);
            Gauge(text, "DCGM_FI_DEV_POWER_USAGE", "Power draw (in W).", labels, sample.PowerWatts);
        }

        return text.ToString();
    }

    private static void Gauge(StringBuilder text, string name, string help, string labels, double? value)
    {
        if (value is not { } number)
        {
            return;
        }

        if (!text.ToString().Contains($"# TYPE {name} ", StringComparison.Ordinal))
        {
            text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {help}\n# TYPE {name} gauge\n");
        }

        text.Append(CultureInfo.InvariantCulture, $"{name}{labels} {number}\n");
    }
}
