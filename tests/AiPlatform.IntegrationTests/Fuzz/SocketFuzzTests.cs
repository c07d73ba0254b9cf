using AiPlatform.Contracts.Jobs;
using AiPlatform.Fuzz.Protocols;
using AiPlatform.IntegrationTests.GpuRunner;

namespace AiPlatform.IntegrationTests.Fuzz;

/// <summary>A short run of the fuzzer of the socket between a runner and its jobs.</summary>
public sealed class SocketFuzzTests
{
    [Fact]
    public async Task The_runner_serves_on_whatever_a_job_says_on_its_socket()
    {
        await using var harness = await RunnerHarness.StartAsync();
        harness.Submit(RunnerSocketFuzzer.With(seed: 5, seconds: 4));
        var end = await harness.EndAsync();
        Assert.True((end.Kind, end.Reason) == (JobEventKind.Finished, null), $"{end.Kind} {end.Reason}\n{harness.Log()}");
        Assert.Contains("tried ", harness.Log(), StringComparison.Ordinal);
        harness.Submit("print('next')", attempt: 2);
        Assert.Equal(JobEventKind.Finished, (await harness.EndAsync(attempt: 2)).Kind);
    }
}
