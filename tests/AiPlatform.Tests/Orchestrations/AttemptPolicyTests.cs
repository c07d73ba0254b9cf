using AiPlatform.Contracts.Jobs;
using AiPlatform.Orchestrations.Training;
using CsCheck;

namespace AiPlatform.Tests.Orchestrations;

public sealed class AttemptPolicyTests
{
    private static readonly TrainingJobInput First = new("job");

    [Fact]
    public void A_failed_attempt_is_followed_by_the_next_until_the_attempts_are_used_up()
    {
        var retry = new JobRetry(MaxAttempts: 3);

        var second = AttemptPolicy.Next(First, retry, AttemptStatus.Failed);
        Assert.Equal(new TrainingJobInput("job", Attempt: 2, Failures: 1), second);
        var third = AttemptPolicy.Next(second!, retry, AttemptStatus.Failed);
        Assert.Equal(3, third!.Attempt);
        Assert.Null(AttemptPolicy.Next(third, retry, AttemptStatus.Failed));
    }

    [Fact]
    public void A_lost_runner_does_not_use_up_the_attempts_of_the_job()
    {
        var retry = new JobRetry(MaxAttempts: 1);

        var next = AttemptPolicy.Next(First, retry, AttemptStatus.Lost);

        Assert.Equal(new TrainingJobInput("job", Attempt: 2, Failures: 0, Losses: 1), next);
        Assert.Null(AttemptPolicy.Next(next!, retry, AttemptStatus.Failed));
    }

    [Fact]
    public void A_job_that_is_lost_again_and_again_ends()
    {
        var input = First;
        var attempts = 1;
        while (AttemptPolicy.Next(input, new JobRetry(), AttemptStatus.Lost) is { } next)
        {
            input = next;
            attempts++;
        }

        Assert.Equal(AttemptPolicy.MaxLosses + 1, attempts);
    }

    [Theory]
    [InlineData(1, 2)]
    [InlineData(2, 6)]
    [InlineData(3, 10)]
    public void The_delay_grows_by_the_coefficient_up_to_its_limit(int failures, double seconds)
    {
        var retry = new JobRetry(MaxAttempts: 9, FirstDelaySeconds: 2, BackoffCoefficient: 3, MaxDelaySeconds: 10);

        var delay = AttemptPolicy.Delay(First with { Failures = failures }, retry, AttemptStatus.Failed);

        Assert.Equal(TimeSpan.FromSeconds(seconds), delay);
    }

    [Fact]
    public void Any_sequence_of_failures_and_losses_ends_within_both_limits()
        => (from maxAttempts in Gen.Int[1, 20] from lost in Gen.Bool.Array[64] select (maxAttempts, lost)).Sample(sample =>
        {
            var retry = new JobRetry(sample.maxAttempts);
            var input = First;
            foreach (var lost in sample.lost)
            {
                if (AttemptPolicy.Next(input, retry, lost ? AttemptStatus.Lost : AttemptStatus.Failed) is not { } next)
                {
                    return;
                }

                Assert.Equal(input.Attempt + 1, next.Attempt);
                Assert.True(next.Failures < sample.maxAttempts && next.Losses <= AttemptPolicy.MaxLosses);
                input = next;
            }

            Assert.Fail("64 ended attempts were allowed.");
        });
}
