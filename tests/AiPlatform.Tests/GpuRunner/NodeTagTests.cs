using System.Diagnostics;
using AiPlatform.GpuRunner.Launch;

namespace AiPlatform.Tests.GpuRunner;

public sealed class NodeTagTests
{
    private static readonly NodeTag Tag = NodeTag.Of("job-1-0");

    [Fact]
    public void A_node_has_the_same_tag_in_every_life_and_another_one_has_another()
    {
        Assert.Equal(Tag, NodeTag.Of("job-1-0"));
        Assert.Equal(1_000, Enumerable.Range(0, 1_000).Select(node => NodeTag.Of($"job-1-{node}")).Distinct().Count());
        Assert.All(Enumerable.Range(0, 1_000), node => Assert.InRange(NodeTag.Of($"job-1-{node}").Value, 0x4000_0000u, 0x7FFF_FFFFu));
    }

    [Fact]
    public void A_tag_is_read_from_the_pair_of_limits_and_from_a_group()
    {
        static string[] Lines(NodeTag locks, NodeTag resident)
            => [.. locks.Limits.Take(1).Concat(resident.Limits.Skip(1)).Zip((string[])[NodeTag.Locks, NodeTag.Resident], static (argument, name)
                => $"{name,-26}{argument[(argument.IndexOf('=', StringComparison.Ordinal) + 1)..],-21}{argument[(argument.IndexOf('=', StringComparison.Ordinal) + 1)..],-21}units")];
        Assert.Equal(Tag, NodeTag.FromLimits(Lines(Tag, Tag)));
        Assert.Null(NodeTag.FromLimits(Lines(Tag, NodeTag.Of("job-1-1"))));
        Assert.Null(NodeTag.FromLimits(["Max file locks            unlimited            unlimited            locks"]));
        Assert.Null(NodeTag.FromLimits([]));
        Assert.Equal(Tag, NodeTag.FromStatus(["Name:\tx", $"Groups:\t4 24 {Tag.Value} "]));
        Assert.Null(NodeTag.FromStatus(["Groups:\t4 24 65534 "]));
        Assert.Null(NodeTag.FromStatus(["Name:\tx"]));
    }

    /// <summary>Whatever of the pair a process lowers, which is all it may: it gets no other node's tag.</summary>
    [Fact]
    public void No_process_can_take_the_tag_of_another_node()
    {
        var tags = Enumerable.Range(0, 200).Select(static node => NodeTag.Of($"job-1-{node}")).ToList();
        static long Value(string argument) => long.Parse(argument[(argument.IndexOf('=', StringComparison.Ordinal) + 1)..], System.Globalization.CultureInfo.InvariantCulture);
        Assert.All(tags, own => Assert.DoesNotContain(tags, other
            => other != own && Value(other.Limits[0]) <= Value(own.Limits[0]) && Value(other.Limits[1]) <= Value(own.Limits[1])));
    }

    [Fact]
    public async Task Children_inherit_the_tag_also_when_they_clear_their_environment()
    {
        var isolation = new JobIsolation(null, OwnNamespaces: false) { TagsByLimits = true }.For("job-1-0");
        var command = isolation.Command(
            new SandboxView("/", "/tmp", [], [], Gpus: false), "/bin/sh", "-c", "env -i setsid sh -c 'echo $$; read line'");
        using var process = Process.Start(new ProcessStartInfo(command[0], command.Skip(1)) { RedirectStandardOutput = true, RedirectStandardInput = true, UseShellExecute = false })!;
        var child = int.Parse((await process.StandardOutput.ReadLineAsync())!, System.Globalization.CultureInfo.InvariantCulture);
        Assert.Equal(Tag, NodeTag.Read(child));
        Assert.Contains(ProcessTree.Find("job-1-0", new HashSet<(int, ulong)>()), entry => entry.Id == child);
        Assert.Null(NodeTag.Read(Environment.ProcessId));
        Assert.Null(NodeTag.Read(int.MaxValue));
        process.StandardInput.Close();
        await process.WaitForExitAsync();
    }
}
