using AiPlatform.DataFiles;
using AiPlatform.DataFiles.Engine;
using AiPlatform.DataFiles.Staging;

namespace AiPlatform.Tests.DataFiles;

public sealed class StagingCacheTests
{
    [Fact]
    public async Task The_same_content_is_fetched_once_however_many_ask()
    {
        using var engine = Engines.Create();
        var fills = 0;
        var staged = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => engine.Cache.GetAsync("a", Fill(1000, () => Interlocked.Increment(ref fills)), CancellationToken.None)));
        Assert.Equal(1, fills);
        Assert.Single(staged.Select(static table => table.Path).Distinct());
        Array.ForEach(staged, static table => table.Dispose());
        (await engine.Cache.GetAsync("a", Fill(1000, () => Interlocked.Increment(ref fills)), CancellationToken.None)).Dispose();
        Assert.Equal(1, fills);
    }

    [Fact]
    public async Task The_longest_unused_content_goes_first_and_what_is_used_stays()
    {
        using var engine = Engines.Create(static options => options.CacheBytes = 3000);
        using var used = await engine.Cache.GetAsync("used", Fill(1000), CancellationToken.None);
        var old = await StageAndReleaseAsync(engine, "old");
        var recent = await StageAndReleaseAsync(engine, "recent");
        await StageAndReleaseAsync(engine, "new");
        Assert.Equal((true, false, true), (File.Exists(used.Path), File.Exists(old), File.Exists(recent)));
        Assert.Equal(3000, engine.Cache.Bytes);
    }

    [Fact]
    public async Task Content_for_which_there_is_no_room_is_refused_and_leaves_nothing()
    {
        using var engine = Engines.Create(static options => options.CacheBytes = 3000);
        using var used = await engine.Cache.GetAsync("used", Fill(2500), CancellationToken.None);
        Assert.Equal(DataErrors.QueryDisk, (await Assert.ThrowsAsync<DataFormatException>(() => engine.Cache.GetAsync("more", Fill(1000), CancellationToken.None))).Code);
        Assert.Equal(2500, engine.Cache.Bytes);
        Assert.Single(Directory.GetFiles(engine.Cache.Folder));
    }

    [Fact]
    public async Task Content_that_could_not_be_fetched_is_fetched_again()
    {
        using var engine = Engines.Create();
        await Assert.ThrowsAsync<IOException>(() => engine.Cache.GetAsync("a", static (_, _) => throw new IOException("gone"), CancellationToken.None));
        using var staged = await engine.Cache.GetAsync("a", Fill(10), CancellationToken.None);
        Assert.True(File.Exists(staged.Path));
    }

    [Fact]
    public async Task Content_without_a_name_goes_when_it_is_released()
    {
        using var engine = Engines.Create();
        var staged = await engine.Cache.GetAsync(null, Fill(10), CancellationToken.None);
        Assert.True(File.Exists(staged.Path));
        staged.Dispose();
        Assert.Equal((false, 0L), (File.Exists(staged.Path), engine.Cache.Bytes));
    }

    [Fact]
    public async Task Who_does_not_wait_any_more_does_not_stop_the_others()
    {
        using var engine = Engines.Create();
        var go = new TaskCompletionSource();
        async Task<StagedContent> FillAsync(StagingFile file, CancellationToken token)
        {
            await go.Task;
            return await Fill(10)(file, token);
        }

        using var impatient = new CancellationTokenSource();
        var first = engine.Cache.GetAsync("a", FillAsync, impatient.Token);
        var second = engine.Cache.GetAsync("a", FillAsync, CancellationToken.None);
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        go.SetResult();
        using var staged = await second;
        Assert.True(File.Exists(staged.Path));
    }

    private static async Task<string> StageAndReleaseAsync(DataEngine engine, string key)
    {
        using var staged = await engine.Cache.GetAsync(key, Fill(1000), CancellationToken.None);
        return staged.Path;
    }

    private static Func<StagingFile, CancellationToken, Task<StagedContent>> Fill(int bytes, Action? told = null) => async (file, token) =>
    {
        told?.Invoke();
        file.Reserve(bytes);
        await File.WriteAllBytesAsync(file.Path, new byte[bytes], token);
        return new StagedContent(null, new DataIssues());
    };
}
