using AiPlatform.DataFiles;
using AiPlatform.DataFiles.Engine;

namespace AiPlatform.Tests.DataFiles;

public sealed class DataEngineTests
{
    private const string Endless = "SELECT count(*) FROM range(1000000000000) a(i), range(1000000) b(j) WHERE (i * j) % 7 = 3";

    [Theory]
    [InlineData("SELECT * FROM read_csv('/etc/passwd')")]
    [InlineData("SELECT * FROM read_text('/etc/hostname')")]
    [InlineData("SELECT * FROM read_blob('/proc/self/environ')")]
    [InlineData("SELECT * FROM glob('/etc/*')")]
    [InlineData("SELECT * FROM '/etc/passwd'")]
    [InlineData("COPY (SELECT 1) TO '/tmp/aip-engine-out.csv'")]
    [InlineData("EXPORT DATABASE '/tmp/aip-engine-out'")]
    [InlineData("ATTACH '/tmp/aip-engine-out.db'")]
    [InlineData("INSTALL httpfs")]
    [InlineData("LOAD httpfs")]
    [InlineData("SELECT * FROM read_parquet('http://127.0.0.1/x.parquet')")]
    [InlineData("SET enable_external_access = true")]
    [InlineData("SET allowed_directories = ['/']")]
    [InlineData("SET memory_limit = '100GB'")]
    [InlineData("SET temp_directory = '/etc'")]
    [InlineData("RESET lock_configuration")]
    [InlineData("SELECT getenv('HOME')")]
    public async Task Queries_reach_nothing_but_staged_content(string sql)
    {
        using var session = await Engines.Shared.OpenAsync(CancellationToken.None);
        var exception = await Assert.ThrowsAnyAsync<Exception>(() => session.ExecuteAsync(sql, CancellationToken.None));
        Assert.True(exception is DataFormatException or InvalidOperationException, $"{exception}");
        Assert.DoesNotContain('/', exception.Message);
        Assert.False(Path.Exists("/tmp/aip-engine-out.csv") || Path.Exists("/tmp/aip-engine-out") || Path.Exists("/tmp/aip-engine-out.db"));
    }

    [Fact]
    public async Task A_path_that_climbs_out_of_the_staged_content_is_refused()
    {
        using var engine = Engines.Create();
        using var session = await engine.OpenAsync(CancellationToken.None);
        var outside = Path.Combine(engine.Options.Folder, "outside.csv");
        await File.WriteAllTextAsync(outside, "secret\n1\n");
        try
        {
            foreach (var path in (string[])[outside, $"{engine.Cache.Folder}/../../outside.csv", $"{engine.Cache.Folder}-more/x.csv"])
            {
                await Assert.ThrowsAsync<DataFormatException>(() => session.ExecuteAsync($"SELECT * FROM read_csv('{path}')", CancellationToken.None));
            }
        }
        finally
        {
            File.Delete(outside);
        }
    }

    [Fact]
    public async Task A_query_that_is_cancelled_ends_at_once()
    {
        using var session = await Engines.Shared.OpenAsync(CancellationToken.None);
        using var stop = new CancellationTokenSource();
        var query = session.ExecuteAsync(Endless, stop.Token);
        var clock = System.Diagnostics.Stopwatch.StartNew();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => query);
        Assert.InRange(clock.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(5));
        Assert.Equal(3, await session.OneAsync("SELECT 1 + $1", [2], static row => row.GetInt32(0), CancellationToken.None));
    }

    [Fact]
    public async Task A_query_that_takes_too_long_is_ended_with_a_code()
    {
        using var engine = Engines.Create(static options => options.QueryTime = TimeSpan.FromMilliseconds(200));
        using var session = await engine.OpenAsync(CancellationToken.None);
        Assert.Equal(DataErrors.QueryTime, (await Assert.ThrowsAsync<DataFormatException>(() => session.ExecuteAsync(Endless, CancellationToken.None))).Code);
    }

    [Fact]
    public async Task A_query_that_needs_too_much_disk_or_memory_is_ended_with_a_code()
    {
        using var engine = Engines.Create(static options => (options.MemoryBytes, options.SpillBytes) = (64 << 20, 16 << 20));
        using var session = await engine.OpenAsync(CancellationToken.None);
        var exception = await Assert.ThrowsAsync<DataFormatException>(
            () => session.ExecuteAsync("SELECT i, i::VARCHAR || 'a long text that has to be kept' AS t FROM range(20000000) r(i) ORDER BY hash(t), i", CancellationToken.None));
        Assert.Contains(exception.Code, new[] { DataErrors.QueryDisk, DataErrors.QueryMemory });
        Assert.DoesNotContain('/', exception.Message);
    }

    [Fact]
    public async Task What_does_not_fit_into_memory_goes_to_disk()
    {
        using var engine = Engines.Create(static options => options.MemoryBytes = 64 << 20);
        using var session = await engine.OpenAsync(CancellationToken.None);
        var distinct = await session.OneAsync("SELECT count(*) FROM (SELECT DISTINCT i::VARCHAR || ' is the value' FROM range(3000000) r(i))", [], static row => row.GetInt64(0), CancellationToken.None);
        Assert.Equal(3_000_000, distinct);
    }

    [Fact]
    public async Task More_sessions_than_allowed_wait()
    {
        using var engine = Engines.Create(static options => options.Sessions = 1);
        var first = await engine.OpenAsync(CancellationToken.None);
        var second = engine.OpenAsync(CancellationToken.None);
        Assert.False(second.IsCompleted);
        first.Dispose();
        (await second).Dispose();
    }

    [Fact]
    public void Engines_of_several_processes_share_a_folder_and_leave_nothing_in_it()
    {
        var folder = Directory.CreateTempSubdirectory("aip-engines-").FullName;
        try
        {
            using (var one = Engines.Create(options => options.Folder = folder))
            using (var other = Engines.Create(options => options.Folder = folder))
            {
                Assert.NotEqual(one.Cache.Folder, other.Cache.Folder);
            }

            Assert.Empty(Directory.GetDirectories(folder));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
