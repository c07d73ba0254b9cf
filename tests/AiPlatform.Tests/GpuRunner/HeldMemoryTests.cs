using System.Diagnostics;
using AiPlatform.GpuRunner.Sample;
using AiPlatform.GpuRunner.Workspace;

namespace AiPlatform.Tests.GpuRunner;

public sealed class HeldMemoryTests
{
    private static readonly string[] Maps =
    [
        "55d0c0000000-55d0c0100000 rw-p 00000000 00:00 0                          [heap]",
        "Size:               1024 kB",
        "Rss:                1024 kB",
        "Pss:                 512 kB",
        "Pss_Dirty:           512 kB",
        "VmFlags: rd wr",
        "7f0000000000-7f0000400000 rw-s 00000000 00:01 77                         /memfd:x (deleted)",
        "Pss:                 200 kB",
        "7f0000400000-7f0000800000 rw-s 00400000 00:01 77                         /memfd:x (deleted)",
        "Pss:                 100 kB",
        "7f0001000000-7f0001400000 rw-s 00000000 00:2a 5                          /dev/shm/a b",
        "Pss:                  64 kB",
        "7f0002000000-7f0002400000 r-xp 00000000 fe:00 9                          /usr/lib/x.so",
        "Pss:                  32 kB",
    ];

    [Fact]
    public void Shares_of_mapped_pages_are_counted_once_and_held_files_apart()
    {
        var mapped = new Dictionary<(ulong, ulong), long>();
        var held = new Dictionary<(ulong Device, ulong Inode), long> { [(1, 77)] = 4 << 20 };
        Assert.Equal((512 + 32) * 1024, ProcReadings.Resident(Maps, new HashSet<ulong> { 0x2a }, held, mapped));
        Assert.Equal(300 * 1024, Assert.Single(mapped).Value);
        Assert.Equal((512 + 300 + 64 + 32) * 1024, ProcReadings.Resident(Maps, new HashSet<ulong>(), new Dictionary<(ulong, ulong), long>(), []));
    }

    [Fact]
    public void Mappings_of_nameless_files_have_the_kernels_names()
        => Assert.Equal(
            ["7f0000000000-7f0000400000", "7f0000400000-7f0000800000", "1000-2000"],
            HeldFiles.RemovedOf([.. Maps, "00001000-00002000 rw-p 00000000 fe:00 12 /x (deleted)"]));

    [Fact]
    public async Task A_file_that_was_removed_while_open_counts_once_on_its_disk_or_in_memory()
    {
        var folder = Directory.CreateTempSubdirectory("held-").FullName;
        var script =
            $"""
            exec 3>{folder}/disk 4>/dev/shm/{Path.GetFileName(folder)} 5<{folder}/disk
            head -c 8388608 /dev/zero >&3; head -c 4194304 /dev/zero >&4; sync {folder}/disk
            echo named; read line
            rm {folder}/disk /dev/shm/{Path.GetFileName(folder)}
            echo nameless; read line
            """;
        using var holder = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", script]) { RedirectStandardInput = true, RedirectStandardOutput = true, UseShellExecute = false })!;
        (long, long) Look() => HeldFiles.Of([holder.Id, holder.Id], new HashSet<ulong>(), long.MaxValue) is var held ? (held.DiskBytes >> 20, held.MemoryBytes >> 20) : default;
        Assert.Equal("named", await holder.StandardOutput.ReadLineAsync());
        Assert.Equal((0, 0), Look());
        await holder.StandardInput.WriteLineAsync();
        Assert.Equal("nameless", await holder.StandardOutput.ReadLineAsync());
        Assert.Equal((8, 4), Look());
        holder.StandardInput.Close();
        await holder.WaitForExitAsync();
        Assert.Equal((0, 0), Look());
        Directory.Delete(folder);
    }
}
