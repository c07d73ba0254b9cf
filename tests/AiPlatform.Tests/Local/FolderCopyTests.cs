using AiPlatform.Local.Watching;

namespace AiPlatform.Tests.Local;

/// <summary>What runs becomes what was built, file by file.</summary>
public sealed class FolderCopyTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("aip-copy").FullName;

    private string Built => Path.Combine(_folder, "built");

    private string Running => Path.Combine(_folder, "running");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_folder_becomes_like_another_and_what_is_no_longer_there_goes()
    {
        Write(Built, "app.dll", "one");
        Write(Built, "zh/app.resources.dll", "texts");
        Write(Running, "gone.dll", "old");
        Assert.True(FolderCopy.Differs(Built, Running));
        FolderCopy.Mirror(Built, Running);
        Assert.False(FolderCopy.Differs(Built, Running));
        Assert.Equal(["app.dll", "zh/app.resources.dll"], Directory.EnumerateFiles(Running, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(Running, file)).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData(3)]
    [InlineData(8191)]
    [InlineData(8192)]
    [InlineData(20_000)]
    public void An_assembly_of_the_same_size_with_one_other_byte_is_another_one(int size)
    {
        Write(Built, "app.dll", new string('a', size));
        Write(Running, "app.dll", new string('a', size));
        File.SetLastWriteTimeUtc(Path.Combine(Running, "app.dll"), DateTime.UnixEpoch);
        Assert.False(FolderCopy.Differs(Built, Running));
        Write(Built, "app.dll", new string('a', size - 1) + "b");
        Assert.True(FolderCopy.Differs(Built, Running));
    }

    [Fact]
    public void What_a_process_has_open_stays_as_it_was_for_it()
    {
        Write(Built, "app.dll", "new");
        Write(Running, "app.dll", "old");
        File.SetLastWriteTimeUtc(Path.Combine(Running, "app.dll"), DateTime.UnixEpoch);
        using var open = new StreamReader(new FileStream(Path.Combine(Running, "app.dll"), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
        FolderCopy.Mirror(Built, Running);
        Assert.Equal("old", open.ReadToEnd());
        Assert.Equal("new", File.ReadAllText(Path.Combine(Running, "app.dll")));
    }

    private static void Write(string folder, string file, string text)
    {
        var path = Path.Combine(folder, file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }
}
