using AiPlatform.GpuRunner.Detect;

namespace AiPlatform.GpuRunner.Launch;

/// <summary>Which GPUs are taken; a node takes all of its GPUs at once or none.</summary>
internal sealed class GpuAllocator(DeviceDetector devices)
{
    private readonly Lock _gate = new();
    private readonly HashSet<int> _taken = [];

    /// <summary>Takes so many GPUs; null when there are too few free ones.</summary>
    public IReadOnlyList<int>? TryTake(int count)
    {
        lock (_gate)
        {
            int[] free = [.. devices.Gpus.Select(static gpu => gpu.Index).Where(index => !_taken.Contains(index)).Take(count)];
            if (free.Length < count)
            {
                return null;
            }

            _taken.UnionWith(free);
            return free;
        }
    }

    /// <summary>Gives GPUs back.</summary>
    public void Return(IReadOnlyList<int> gpus)
    {
        lock (_gate)
        {
            _taken.ExceptWith(gpus);
        }
    }
}
