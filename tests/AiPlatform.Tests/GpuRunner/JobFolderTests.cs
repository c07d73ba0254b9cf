using System.Diagnostics;
using AiPlatform.GpuRunner.Workspace;
using Microsoft.Extensions.Logging.Abstractions;

namespace AiPlatform.Tests.GpuRunner;

/// <summary>Trees that job code builds to stop the runner are measured and removed.</summary>
public sealed class JobFolderTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("aip-folder-").FullName;

    public void Dispose() => Assert.Null(JobFolder.TryDelete(_root));

    [Theory]
    [InlineData(40)]
    [InlineData(1_000)]
    public async Task A_tree_deeper_than_any_path_is_removed(int depth)
    {
        var folder = await BuildAsync($"for i in range({depth}):\n    os.mkdir('d'*200)\n    os.chdir('d'*200)\n    open('file', 'w').write('x')");
        Assert.Null(JobFolder.TryDelete(folder));
        Assert.False(Directory.Exists(folder));
    }

    [Fact]
    public async Task Names_that_are_no_text_folders_without_rights_and_wide_ones_are_removed_and_links_are_not_followed()
    {
        var kept = Path.Combine(_root, "kept");
        Directory.CreateDirectory(kept);
        await File.WriteAllTextAsync(Path.Combine(kept, "file"), "x");
        var folder = await BuildAsync(
            $"""
            os.makedirs(b'\xff\xfe/inner')
            open(b'\xff\xfe/inner/\xfd', 'w').close()
            os.symlink('{kept}', 'link')
            os.symlink('{kept}', b'\xff\xfe/link')
            for i in range(3000): os.makedirs(f'wide{'{'}i{'}'}/inner')
            os.makedirs('closed/inner/more')
            os.chmod('closed/inner', 0)
            os.chmod('closed', 0)
            """);
        Assert.Null(JobFolder.TryDelete(folder));
        Assert.False(Directory.Exists(folder));
        Assert.True(File.Exists(Path.Combine(kept, "file")));
    }

    [Fact]
    public async Task What_lies_deeper_than_any_path_is_measured()
    {
        var folder = await BuildAsync("for i in range(40):\n    os.mkdir('d'*200)\n    os.chdir('d'*200)\nopen('file', 'wb').write(b'x' * 5000)\nos.symlink('/etc', 'link')");
        Assert.Equal(new ScratchUse(5000, 42, 41), ScratchUse.Of([folder], long.MaxValue, int.MaxValue));
        Assert.True(ScratchUse.Of([folder], 4000, int.MaxValue).Bytes > 4000);
        Assert.Null(JobFolder.TryDelete(folder));
    }

    [Fact]
    public async Task A_measurement_ends_at_its_greatest_depth()
    {
        var folder = await BuildAsync("for i in range(2000):\n    os.mkdir('d')\n    os.chdir('d')");
        Assert.Equal(ScratchUse.MaxDepth + 1, ScratchUse.Of([folder], long.MaxValue, int.MaxValue).Depth);
        Assert.Null(JobFolder.TryDelete(folder));
    }

    [Fact]
    public async Task A_folder_that_resists_is_set_aside_and_removed_later()
    {
        var folder = Path.Combine(_root, "mounted");
        var inner = Directory.CreateDirectory(Path.Combine(folder, "inner")).FullName;
        await File.WriteAllTextAsync(Path.Combine(inner, "file"), "x");
        if (!await RunAsync("/bin/mount", "-t", "tmpfs", "tmpfs", inner))
        {
            return; // Only root can make a folder that resists it.
        }

        var trash = Trash.FolderOf(_root);
        var reason = JobFolder.TryDelete(folder, trash);
        var aside = Assert.Single(Directory.GetDirectories(trash));
        Assert.True(await RunAsync("/bin/umount", Path.Combine(aside, "inner")));
        Assert.Contains("set aside", reason, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder));

        using var later = new Trash(_root, TimeProvider.System, NullLogger<Trash>.Instance);
        later.Sweep();
        Assert.Empty(Directory.GetDirectories(trash));
    }

    private async Task<string> BuildAsync(string code)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_root, "job")).FullName;
        Assert.True(await RunAsync("/usr/bin/env", "python3", "-c", $"import os\nos.chdir('{folder}')\n{code}"));
        return folder;
    }

    private static async Task<bool> RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        await process.WaitForExitAsync();
        return process.ExitCode == 0;
    }
}
