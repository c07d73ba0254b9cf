namespace AiPlatform.Messaging.Transport;

/// <summary>Runs an operation, and again after transient failures, with back-off and jitter.</summary>
internal sealed class RetryRunner(ServiceBusRetryOptions options, TimeProvider time)
{
    internal ServiceBusRetryOptions Options => options;

    internal TimeProvider Time => time;

    /// <param name="operation">One attempt; its token ends after <see cref="ServiceBusRetryOptions.TryTimeout"/>.</param>
    /// <param name="entityPath">Named in the exceptions.</param>
    /// <param name="cancellationToken">Ends the whole run.</param>
    internal async Task<T> RunAsync<T>(Func<CancellationToken, Task<T>> operation, string entityPath, CancellationToken cancellationToken)
    {
        for (var retry = 0; ; retry++)
        {
            using var timeout = new CancellationTokenSource(options.TryTimeout, time);
            using var attempt = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
            Exception failure;
            try
            {
                return await operation(attempt.Token);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                throw;
            }
            catch (OperationCanceledException exception) when (timeout.IsCancellationRequested)
            {
                failure = new ServiceBusException(
                    $"The operation did not end within {options.TryTimeout}.", ServiceBusFailureReason.ServiceTimeout, entityPath, exception);
            }
            catch (Exception exception) when (exception is not ArgumentException)
            {
                failure = AmqpErrors.Translate(exception, entityPath);
            }

            if (retry >= options.MaxRetries || failure is not ServiceBusException { IsTransient: true })
            {
                throw failure;
            }

            await Task.Delay(options.DelayBefore(retry), time, cancellationToken);
        }
    }

    internal Task RunAsync(Func<CancellationToken, Task> operation, string entityPath, CancellationToken cancellationToken)
        => RunAsync(
            async token =>
            {
                await operation(token);
                return true;
            },
            entityPath,
            cancellationToken);
}
