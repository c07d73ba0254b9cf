using System.Net.Sockets;
using AiPlatform.Messaging;
using AiPlatform.Messaging.Transport;
using Amqp;
using Amqp.Framing;

namespace AiPlatform.Tests.Messaging;

public sealed class RetryTests
{
    private static readonly ServiceBusRetryOptions Quick = new() { MaxRetries = 3, Delay = TimeSpan.FromMilliseconds(1), TryTimeout = TimeSpan.FromMilliseconds(200) };

    [Fact]
    public async Task A_transient_failure_is_repeated_until_it_passes()
    {
        var attempts = 0;
        var result = await Runner().RunAsync(
            _ => ++attempts < 3 ? throw new SocketException((int)SocketError.ConnectionRefused) : Task.FromResult(42), "q", CancellationToken.None);
        Assert.Equal((42, 3), (result, attempts));
    }

    [Fact]
    public async Task Repeats_end_with_the_last_failure()
    {
        var attempts = 0;
        var exception = await Assert.ThrowsAsync<ServiceBusException>(() => Runner().RunAsync<int>(
            _ =>
            {
                attempts++;
                throw new AmqpException(new Error("com.microsoft:server-busy"));
            },
            "q",
            CancellationToken.None));
        Assert.Equal((4, ServiceBusFailureReason.ServiceBusy, "q"), (attempts, exception.Reason, exception.EntityPath));
    }

    [Fact]
    public async Task A_lasting_failure_is_not_repeated()
    {
        var attempts = 0;
        await Assert.ThrowsAsync<ServiceBusException>(() => Runner().RunAsync<int>(
            _ =>
            {
                attempts++;
                throw new AmqpException(new Error(ErrorCode.NotFound));
            },
            "q",
            CancellationToken.None));
        Assert.Equal(1, attempts);
    }

    [Fact]
    public async Task An_attempt_that_hangs_ends_as_a_timeout()
    {
        var exception = await Assert.ThrowsAsync<ServiceBusException>(() => new RetryRunner(
            new ServiceBusRetryOptions { MaxRetries = 0, TryTimeout = TimeSpan.FromMilliseconds(20) }, TimeProvider.System).RunAsync(
            async token => await Task.Delay(Timeout.Infinite, token), "q", CancellationToken.None));
        Assert.Equal(ServiceBusFailureReason.ServiceTimeout, exception.Reason);
    }

    [Fact]
    public async Task Cancellation_ends_the_run_at_once()
    {
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Runner().RunAsync(
            token => Task.Delay(Timeout.Infinite, token), "q", cancelled.Token));
    }

    [Fact]
    public void Delays_grow_with_jitter_up_to_the_limit()
    {
        var options = new ServiceBusRetryOptions { Delay = TimeSpan.FromSeconds(1), MaxDelay = TimeSpan.FromSeconds(10) };
        for (var retry = 0; retry < 40; retry++)
        {
            var ceiling = Math.Min(10, Math.Pow(2, retry));
            Assert.InRange(options.DelayBefore(retry).TotalSeconds, ceiling / 2, ceiling);
        }

        options.Mode = ServiceBusRetryMode.Fixed;
        Assert.Equal(TimeSpan.FromSeconds(1), options.DelayBefore(7));
    }

    [Theory]
    [InlineData("amqp:not-found", ServiceBusFailureReason.MessagingEntityNotFound, false)]
    [InlineData("com.microsoft:message-lock-lost", ServiceBusFailureReason.MessageLockLost, false)]
    [InlineData("amqp:link:message-size-exceeded", ServiceBusFailureReason.MessageSizeExceeded, false)]
    [InlineData("com.microsoft:timeout", ServiceBusFailureReason.ServiceTimeout, true)]
    [InlineData("amqp:connection:forced", ServiceBusFailureReason.ServiceCommunicationProblem, true)]
    [InlineData("amqp:internal-error", ServiceBusFailureReason.GeneralError, true)]
    [InlineData("amqp:not-implemented", ServiceBusFailureReason.GeneralError, false)]
    public void Conditions_have_their_reasons(string condition, ServiceBusFailureReason reason, bool isTransient)
    {
        var exception = Assert.IsType<ServiceBusException>(AmqpErrors.FromError(new Error(condition), "q"));
        Assert.Equal((reason, isTransient), (exception.Reason, exception.IsTransient));
    }

    [Theory]
    [InlineData(404, ServiceBusFailureReason.MessagingEntityNotFound)]
    [InlineData(408, ServiceBusFailureReason.ServiceTimeout)]
    [InlineData(410, ServiceBusFailureReason.MessageLockLost)]
    [InlineData(503, ServiceBusFailureReason.ServiceBusy)]
    [InlineData(500, ServiceBusFailureReason.GeneralError)]
    [InlineData(400, ServiceBusFailureReason.GeneralError)]
    public void Status_codes_have_their_reasons(int status, ServiceBusFailureReason reason)
        => Assert.Equal(reason, Assert.IsType<ServiceBusException>(AmqpErrors.FromStatus(status, null, null, "q")).Reason);

    [Fact]
    public void Missing_rights_are_an_exception_of_their_own()
    {
        Assert.IsType<UnauthorizedAccessException>(AmqpErrors.FromStatus(401, null, "no", "q"));
        Assert.IsType<UnauthorizedAccessException>(AmqpErrors.FromError(new Error(ErrorCode.UnauthorizedAccess), "q"));
    }

    private static RetryRunner Runner() => new(Quick, TimeProvider.System);
}
