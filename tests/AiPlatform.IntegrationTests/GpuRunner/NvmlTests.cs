using System.Diagnostics;
using AiPlatform.GpuRunner;
using AiPlatform.GpuRunner.Detect;
using AiPlatform.GpuRunner.Launch;
using AiPlatform.GpuRunner.Lease;
using AiPlatform.GpuRunner.Sample;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace AiPlatform.IntegrationTests.GpuRunner;

/// <summary>The calls into NVML against a library with its ABI, compiled from C: two GPUs, of which the second gives almost nothing.</summary>
public sealed class NvmlTests : IDisposable
{
    private const string Source =
        """
        #include <string.h>
        #include <stddef.h>
        typedef int nvmlReturn_t; typedef struct device { int index; } *nvmlDevice_t;
        typedef struct { unsigned long long total, free, used; } nvmlMemory_t;
        typedef struct { unsigned int gpu, memory; } nvmlUtilization_t;
        typedef struct { unsigned int pid; unsigned long long usedGpuMemory; unsigned int gpuInstanceId, computeInstanceId; } nvmlProcessInfo_t;
        static struct device devices[2] = {{0}, {1}};
        nvmlReturn_t nvmlInit_v2(void) { return 0; }
        nvmlReturn_t nvmlShutdown(void) { return 0; }
        nvmlReturn_t nvmlSystemGetDriverVersion(char *v, unsigned int n) { strncpy(v, "575.57.08", n); return 0; }
        nvmlReturn_t nvmlDeviceGetCount_v2(unsigned int *c) { *c = 3; return 0; }
        nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(unsigned int i, nvmlDevice_t *d) { if (i > 1) return 15; *d = &devices[i]; return 0; }
        nvmlReturn_t nvmlDeviceGetName(nvmlDevice_t d, char *s, unsigned int n) { strncpy(s, d->index ? "NVIDIA B" : "NVIDIA H200", n); return 0; }
        nvmlReturn_t nvmlDeviceGetUUID(nvmlDevice_t d, char *s, unsigned int n) { if (d->index) return 3; strncpy(s, "GPU-1234", n); return 0; }
        nvmlReturn_t nvmlDeviceGetMemoryInfo(nvmlDevice_t d, nvmlMemory_t *m) { m->total = 150754820096ULL; m->used = 1073741824ULL; m->free = m->total - m->used; return 0; }
        nvmlReturn_t nvmlDeviceGetUtilizationRates(nvmlDevice_t d, nvmlUtilization_t *u) { if (d->index) return 3; u->gpu = 87; u->memory = 12; return 0; }
        nvmlReturn_t nvmlDeviceGetTemperature(nvmlDevice_t d, int s, unsigned int *t) { if (d->index || s) return 3; *t = 64; return 0; }
        nvmlReturn_t nvmlDeviceGetPowerUsage(nvmlDevice_t d, unsigned int *p) { if (d->index) return 3; *p = 412500; return 0; }
        nvmlReturn_t nvmlDeviceGetComputeRunningProcesses_v3(nvmlDevice_t d, unsigned int *c, nvmlProcessInfo_t *p) {
          if (d->index) return 4;
          if (*c < 2) { *c = 2; return 7; }
          p[0].pid = 4242; p[0].usedGpuMemory = 536870912ULL; p[1].pid = 4343; p[1].usedGpuMemory = ~0ULL; *c = 2; return 0;
        }
        """;

    // One path for the whole process: a library is bound once.
    private static readonly Lazy<string> Library = new(Compile);

    private readonly DeviceDetector _devices = new(
        Options.Create(new RunnerOptions { NvmlLibrary = Library.Value }), NullLogger<DeviceDetector>.Instance);

    public void Dispose() => _devices.Dispose();

    [Fact]
    public void Gpus_are_found_with_their_names_and_memory_and_the_cpu_comes_last()
    {
        Assert.Equal(["NVIDIA H200", "NVIDIA B"], _devices.Gpus.Select(gpu => gpu.Name));
        Assert.Equal(["GPU-1234", null], _devices.Gpus.Select(gpu => gpu.Uuid));
        Assert.Equal(150_754_820_096, _devices.Gpus[0].MemoryBytes);
        Assert.Equal((2, "cpu"), (_devices.All[^1].Index, _devices.All[^1].Kind));
        Assert.True(_devices.Cpu.MemoryBytes > 100_000_000);
    }

    [Fact]
    public void A_sample_holds_what_the_gpu_gives_and_null_for_the_rest()
    {
        var samples = _devices.SampleGpus(id => id == 4242 ? "job" : null).ToList();
        var first = samples[0];
        Assert.Equal((87.0, 1_073_741_824L, 64.0, 412.5), (first.UtilizationPercent, first.MemoryUsedBytes, first.TemperatureCelsius, first.PowerWatts));
        Assert.Equal([(4242, 536_870_912L, "job"), (4343, 0L, null)], first.Processes!.Select(p => (p.ProcessId, p.MemoryBytes, p.JobId)));
        var second = samples[1];
        Assert.Equal(((double?)null, (double?)null, (double?)null), (second.UtilizationPercent, second.TemperatureCelsius, second.PowerWatts));
        Assert.Empty(second.Processes!);
    }

    [Fact]
    public void Metrics_carry_the_names_of_the_dcgm_exporter()
    {
        var sampler = new DeviceSampler(_devices);
        Assert.Equal(3, sampler.Sample().Count);
        var text = new MetricsText(_devices, sampler, new ActiveNodes()).Write();
        Assert.Contains("DCGM_FI_DEV_GPU_UTIL{gpu=\"0\",UUID=\"GPU-1234\",modelName=\"NVIDIA H200\"} 87\n", text, StringComparison.Ordinal);
        Assert.Contains("DCGM_FI_DEV_FB_USED{gpu=\"1\",UUID=\"\",modelName=\"NVIDIA B\"} 1024\n", text, StringComparison.Ordinal);
        Assert.DoesNotContain("DCGM_FI_DEV_POWER_USAGE{gpu=\"1\"", text, StringComparison.Ordinal);
        Assert.Equal(1, text.Split("# TYPE DCGM_FI_DEV_FB_USED gauge").Length - 1);
    }

    [Fact]
    public void Gpus_are_taken_all_at_once_or_not_at_all()
    {
        var allocator = new GpuAllocator(_devices);
        var first = allocator.TryTake(1)!;
        Assert.Equal([0], first);
        Assert.Null(allocator.TryTake(2));
        Assert.Equal([1], allocator.TryTake(1)!);
        allocator.Return(first);
        Assert.Equal([0], allocator.TryTake(1)!);
        Assert.Empty(allocator.TryTake(0)!);
    }

    [Fact]
    public void A_missing_library_means_cpu_only()
    {
        using var devices = new DeviceDetector(Options.Create(new RunnerOptions { NvmlLibrary = "/nowhere/libnvidia-ml.so.1" }), NullLogger<DeviceDetector>.Instance);
        Assert.Empty(devices.Gpus);
        Assert.Equal(0, Assert.Single(devices.All).Index);
    }

    private static string Compile()
    {
        var directory = Directory.CreateTempSubdirectory("aip-nvml-").FullName;
        var source = Path.Combine(directory, "nvml.c");
        var library = Path.Combine(directory, "libnvidia-ml.so.1");
        File.WriteAllText(source, Source);
        using var compiler = Process.Start(new ProcessStartInfo("gcc", ["-shared", "-fPIC", "-o", library, source]) { RedirectStandardError = true, UseShellExecute = false })!;
        var errors = compiler.StandardError.ReadToEnd();
        compiler.WaitForExit();
        Assert.True(compiler.ExitCode == 0, errors);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(directory, recursive: true);
        return library;
    }
}
