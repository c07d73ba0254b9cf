using System.Net;
using System.Text.Json;
using AiPlatform.Client;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Hosting.ServiceBus;
using Azure.Messaging.ServiceBus;

namespace AiPlatform.Orchestrations.Training.JobEvents;

/// <summary>
/// Takes what runners say about their nodes from the queue <c>job-events</c> and reports it to the API, which applies each event once. A
/// message is gone when the API has stored it; one that it refuses, or that cannot be read, is a dead letter that says why. While the API is
/// away the messages in hand wait for it, and no delivery is used up.
/// </summary>
internal sealed class JobEventConsumer(ServiceBusClient bus, AiPlatformClient api, TimeProvider time, ILogger<JobEventConsumer> logger) : IHostedService, IAsyncDisposable
{
    private const int AtOnce = 16;

    /// <summary>The longest that Service Bus keeps of a reason.</summary>
    private const int MaxDescription = 4_096;

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    private readonly ServiceBusProcessor _processor = bus.CreateProcessor(
        JobQueues.Events, new ServiceBusProcessorOptions { MaxConcurrentCalls = AtOnce, MaxAutoLockRenewalDuration = Timeout.InfiniteTimeSpan });

    /// <inheritdoc />
    public Task StartAsync(CancellationToken cancellationToken)
    {
        _processor.ProcessMessageAsync += StoppedHandler.GivesBack(HandleAsync);
        _processor.ProcessErrorAsync += failure =>
        {
            Logs.BrokerFailed(logger, failure.ErrorSource, failure.Exception.Message);
            return Task.CompletedTask;
        };
        return _processor.StartProcessingAsync(cancellationToken);
    }

    /// <inheritdoc />
    public Task StopAsync(CancellationToken cancellationToken) => _processor.CloseAsync(cancellationToken);

    /// <inheritdoc />
    public ValueTask DisposeAsync() => _processor.DisposeAsync();

    private async Task HandleAsync(ProcessMessageEventArgs arguments)
    {
        try
        {
            await ReportAsync(Read(arguments.Message.Body), arguments.CancellationToken);
        }
        catch (JsonException exception)
        {
            await BuryAsync(arguments, "invalid_message", exception.Message);
        }
        catch (ApiException exception) when (IsRefusal(exception))
        {
            await BuryAsync(arguments, exception.Code ?? $"http_{(int)exception.Status}", exception.Message);
        }
        catch (ApiException)
        {
            // An abandoned message comes back at once: without a pause its deliveries would be used up within a second.
            await Task.Delay(BackOff.After(arguments.Message.DeliveryCount, FirstPause, LongestPause), time, arguments.CancellationToken);
            throw;
        }
    }

    private async Task ReportAsync(JobEvent jobEvent, CancellationToken stopping)
    {
        for (var failures = 1; ; failures++)
        {
            try
            {
                await api.ReportJobEventAsync(jobEvent.JobId, jobEvent, stopping);
                return;
            }
            catch (Exception exception) when (IsAway(exception, stopping))
            {
                Logs.PlatformAway(logger, jobEvent.EventId, exception.Message);
                await Task.Delay(BackOff.After(failures, FirstPause, LongestPause), time, stopping);
            }
        }
    }

    private static JobEvent Read(BinaryData body)
        => JsonSerializer.Deserialize<JobEvent>(body.ToMemory().Span, ContractsJson.Tolerant) is { EventId: not null, JobId.Length: 32 } jobEvent
            && jobEvent.JobId.All(char.IsAsciiHexDigitLower)
                ? jobEvent
                : throw new JsonException("The body is no job event.");

    private Task BuryAsync(ProcessMessageEventArgs arguments, string reason, string description)
    {
        Logs.EventRefused(logger, arguments.Message.MessageId, reason, description);
        return arguments.DeadLetterMessageAsync(
            arguments.Message, reason, description.Length > MaxDescription ? description[..MaxDescription] : description, arguments.CancellationToken);
    }

    // These speak about what was sent: it is refused again whenever it comes.
    private static bool IsRefusal(ApiException exception) => exception.Status
        is HttpStatusCode.BadRequest or HttpStatusCode.NotFound or HttpStatusCode.Conflict or HttpStatusCode.RequestEntityTooLarge or HttpStatusCode.UnprocessableEntity;

    // These speak about the platform, or about this process's right to call it; the event has no part in them.
    private static bool IsAway(Exception exception, CancellationToken stopping) => exception switch
    {
        ApiException api => api.Status
            is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden or HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests
            or HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout,
        HttpRequestException or IOException => true,
        OperationCanceledException => !stopping.IsCancellationRequested,
        _ => false,
    };
}
