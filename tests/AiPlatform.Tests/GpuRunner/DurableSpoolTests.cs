using System.Buffers.Binary;
using System.Text;
using AiPlatform.GpuRunner.Report;

namespace AiPlatform.Tests.GpuRunner;

public sealed class DurableSpoolTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("aip-spool-").FullName;

    private string SpoolPath => Path.Combine(_directory, "data.spool");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task Unacknowledged_records_come_back_in_order_after_reopening()
    {
        await using (var spool = DurableSpool.Open(SpoolPath))
        {
            await AppendAsync(spool, "a", "b", "c");
            spool.Acknowledge(spool.Read(1, 100)[0]);
        }

        await using var reopened = DurableSpool.Open(SpoolPath);
        Assert.Equal(["b", "c"], Texts(reopened));
    }

    [Fact]
    public async Task A_torn_last_record_is_cut_off_and_appends_continue_there()
    {
        await using (var spool = DurableSpool.Open(SpoolPath))
        {
            await AppendAsync(spool, "first", "second");
        }

        using (var file = File.OpenWrite(SpoolPath))
        {
            file.SetLength(file.Length - 2);
        }

        await using var reopened = DurableSpool.Open(SpoolPath);
        await AppendAsync(reopened, "third");
        Assert.Equal(["first", "third"], Texts(reopened));
    }

    [Fact]
    public async Task A_record_with_a_flipped_bit_ends_the_spool()
    {
        await using (var spool = DurableSpool.Open(SpoolPath))
        {
            await AppendAsync(spool, "first", "second");
        }

        var bytes = await File.ReadAllBytesAsync(SpoolPath);
        bytes[^1] ^= 1;
        await File.WriteAllBytesAsync(SpoolPath, bytes);

        await using var reopened = DurableSpool.Open(SpoolPath);
        Assert.Equal(["first"], Texts(reopened));
    }

    [Fact]
    public async Task A_damaged_acknowledgement_sends_everything_again()
    {
        await using (var spool = DurableSpool.Open(SpoolPath))
        {
            await AppendAsync(spool, "a", "b");
            spool.Acknowledge(spool.Read(1, 100)[0]);
        }

        await File.WriteAllBytesAsync(SpoolPath + ".ack", [9, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]);
        await using var reopened = DurableSpool.Open(SpoolPath);
        Assert.Equal(["a", "b"], Texts(reopened));
    }

    [Fact]
    public async Task A_spool_that_was_sent_whole_shrinks_and_old_acknowledgements_do_not_touch_new_records()
    {
        await using var spool = DurableSpool.Open(SpoolPath);
        var big = new byte[3 << 20];
        await spool.AppendAsync(big, default);
        await spool.AppendAsync(big, default);
        var all = spool.Read(10, int.MaxValue);
        spool.Acknowledge(all[^1]);
        await AppendAsync(spool, "new");
        Assert.True(new FileInfo(SpoolPath).Length < 100);
        spool.Acknowledge(all[^1]);
        Assert.Equal(["new"], Texts(spool));
    }

    [Fact]
    public async Task A_full_spool_lets_writers_wait_until_records_are_acknowledged()
    {
        await using var spool = DurableSpool.Open(SpoolPath, limit: 10);
        await AppendAsync(spool, "0123456789");
        var blocked = spool.AppendAsync("x"u8.ToArray(), default);
        Assert.False(blocked.IsCompleted);
        spool.Acknowledge(spool.Read(1, 100)[0]);
        await blocked.WaitAsync(TimeSpan.FromSeconds(10));
        Assert.Equal(["x"], Texts(spool));
    }

    [Fact]
    public async Task Reading_stops_at_the_byte_limit_but_gives_at_least_one_record()
    {
        await using var spool = DurableSpool.Open(SpoolPath);
        await AppendAsync(spool, "0123456789", "b", "c");
        Assert.Single(spool.Read(10, 1));
        Assert.Equal(2, spool.Read(10, 11).Count);
        Assert.Equal(2, spool.Read(2, 1000).Count);
    }

    [Fact]
    public async Task A_record_above_the_limit_is_refused()
    {
        await using var spool = DurableSpool.Open(SpoolPath);
        await Assert.ThrowsAsync<ArgumentException>(() => spool.AppendAsync(new byte[DurableSpool.MaxPayload + 1], default));
        Assert.Equal(0, spool.Pending);
    }

    [Fact]
    public async Task Concurrent_appends_all_survive()
    {
        await using (var spool = DurableSpool.Open(SpoolPath))
        {
            await Task.WhenAll(Enumerable.Range(0, 500).Select(i => spool.AppendAsync(Encoding.UTF8.GetBytes($"{i}"), default)));
        }

        await using var reopened = DurableSpool.Open(SpoolPath);
        Assert.Equal(Enumerable.Range(0, 500), Texts(reopened).Select(int.Parse).Order());
    }

    [Fact]
    public async Task The_checksum_is_the_ieee_one()
    {
        await using (var spool = DurableSpool.Open(SpoolPath))
        {
            await AppendAsync(spool, "123456789");
        }

        Assert.Equal(0xCBF43926u, BinaryPrimitives.ReadUInt32LittleEndian((await File.ReadAllBytesAsync(SpoolPath)).AsSpan(4)));
    }

    private static async Task AppendAsync(DurableSpool spool, params string[] texts)
    {
        foreach (var text in texts)
        {
            await spool.AppendAsync(Encoding.UTF8.GetBytes(text), default);
        }
    }

    private static List<string> Texts(DurableSpool spool)
        => [.. spool.Read(1000, int.MaxValue).Select(record => Encoding.UTF8.GetString(record.Payload))];
}
