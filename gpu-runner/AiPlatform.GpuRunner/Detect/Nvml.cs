using System.Runtime.InteropServices;
using System.Text;
using AiPlatform.Contracts.Runners;

namespace AiPlatform.GpuRunner.Detect;

/// <summary>The GPUs of this machine through NVML. One per process and library; the library's own functions are thread safe.</summary>
internal sealed class Nvml : IDisposable
{
    /// <summary>The name behind which the configured library is found.</summary>
    public const string Library = "aiplatform-nvml";

    private const int NameLength = 96;
    private const int MaxProcesses = 256;
    private const int TemperatureGpu = 0;

    // NVML says "not available" with all bits set.
    private const ulong MemoryUnknown = ulong.MaxValue;

    private static readonly Lock LoadGate = new();
    private static nint loaded;
    private static string? loadedPath;

    private bool _disposed;

    private Nvml(string driverVersion) => DriverVersion = driverVersion;

    /// <summary>The driver's version as it names itself.</summary>
    public string DriverVersion { get; }

    /// <summary>Opens NVML; null where the library or a driver is missing.</summary>
    /// <exception cref="InvalidOperationException">Another library was opened in this process before.</exception>
    public static unsafe Nvml? TryOpen(string path)
    {
        lock (LoadGate)
        {
            if (loaded == 0)
            {
                if (!NativeLibrary.TryLoad(path, out var handle))
                {
                    return null;
                }

                (loaded, loadedPath) = (handle, path);
                NativeLibrary.SetDllImportResolver(typeof(Nvml).Assembly, static (name, _, _) => name == Library ? loaded : 0);
            }
            else if (!string.Equals(path, loadedPath, StringComparison.Ordinal))
            {
                // The addresses are bound for the process's life. Only a test could ask for a second library.
                return NativeLibrary.TryLoad(path, out _)
                    ? throw new InvalidOperationException($"NVML is already loaded from {loadedPath}.")
                    : null;
            }
        }

        if (NativeMethods.NvmlInit() != NvmlReturn.Success)
        {
            return null;
        }

        var version = stackalloc byte[NameLength];
        return new Nvml(NativeMethods.NvmlSystemGetDriverVersion(version, NameLength) == NvmlReturn.Success ? Text(version) : "");
    }

    /// <summary>The GPUs, by index. A GPU that fell off the bus is left out.</summary>
    public unsafe IReadOnlyList<Device> Devices()
    {
        Check(NativeMethods.NvmlDeviceGetCount(out var count));
        var devices = new List<Device>((int)count);
        var text = stackalloc byte[NameLength];
        for (var index = 0u; index < count; index++)
        {
            if (NativeMethods.NvmlDeviceGetHandleByIndex(index, out var device) != NvmlReturn.Success)
            {
                continue;
            }

            var name = NativeMethods.NvmlDeviceGetName(device, text, NameLength) == NvmlReturn.Success ? Text(text) : "GPU";
            var uuid = NativeMethods.NvmlDeviceGetUuid(device, text, NameLength) == NvmlReturn.Success ? Text(text) : null;
            var memory = NativeMethods.NvmlDeviceGetMemoryInfo(device, out var info) == NvmlReturn.Success ? (long)info.Total : 0;
            devices.Add(new Device((int)index, "gpu", name, uuid, memory));
        }

        return devices;
    }

    /// <summary>One reading; values that this GPU does not give are null.</summary>
    public static DeviceSample? Sample(int index, Func<int, string?> jobOf)
    {
        if (NativeMethods.NvmlDeviceGetHandleByIndex((uint)index, out var device) != NvmlReturn.Success)
        {
            return null;
        }

        return new DeviceSample(
            index,
            NativeMethods.NvmlDeviceGetUtilizationRates(device, out var utilization) == NvmlReturn.Success ? utilization.Gpu : null,
            NativeMethods.NvmlDeviceGetMemoryInfo(device, out var memory) == NvmlReturn.Success ? (long)memory.Used : null,
            NativeMethods.NvmlDeviceGetTemperature(device, TemperatureGpu, out var celsius) == NvmlReturn.Success ? celsius : null,
            NativeMethods.NvmlDeviceGetPowerUsage(device, out var milliwatts) == NvmlReturn.Success ? milliwatts / 1000.0 : null,
            Processes(device, jobOf));
    }

    /// <inheritdoc />
    public void Dispose()
    {
        if (!_disposed)
        {
            _disposed = true;
            _ = NativeMethods.NvmlShutdown();
        }
    }

    private static unsafe List<DeviceProcess> Processes(nint device, Func<int, string?> jobOf)
    {
        var buffer = new NvmlProcess[MaxProcesses];
        var count = (uint)buffer.Length;
        fixed (NvmlProcess* first = buffer)
        {
            // More processes than the buffer holds: the list is left out, the other values stay.
            if (NativeMethods.NvmlDeviceGetComputeRunningProcesses(device, ref count, first) != NvmlReturn.Success)
            {
                return [];
            }
        }

        return
        [
            .. buffer.Take((int)count).Select(process => new DeviceProcess(
                (int)process.ProcessId,
                process.UsedGpuMemory == MemoryUnknown ? 0 : (long)process.UsedGpuMemory,
                jobOf((int)process.ProcessId))),
        ];
    }

    private static unsafe string Text(byte* bytes) => Encoding.UTF8.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(bytes));

    private static void Check(NvmlReturn code)
    {
        if (code != NvmlReturn.Success)
        {
            throw new InvalidOperationException($"NVML answered {code}.");
        }
    }
}
