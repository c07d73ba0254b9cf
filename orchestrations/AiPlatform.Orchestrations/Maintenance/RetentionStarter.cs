using DurableTask.Core.Exceptions;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Options;

namespace AiPlatform.Orchestrations.Maintenance;

/// <summary>Makes sure that the retention runs: starts it when there is none, or when it was ended. Goes on until the hub answers.</summary>
internal sealed partial class RetentionStarter(DurableTaskClient client, IOptions<RetentionOptions> options, TimeProvider time, ILogger<RetentionStarter> logger) : BackgroundService
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(2);

    private static readonly StartOrchestrationOptions Once = new(InstanceRetention.InstanceId)
    {
        // Left out are the statuses in which it no longer runs: those instances are replaced.
        DedupeStatuses =
        [
            nameof(OrchestrationRuntimeStatus.Running), nameof(OrchestrationRuntimeStatus.Pending), nameof(OrchestrationRuntimeStatus.Suspended),
        ],
    };

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (options.Value.Enabled)
                {
                    await client.ScheduleNewOrchestrationInstanceAsync(nameof(InstanceRetention), Once, stoppingToken);
                }
                else if (await client.GetInstanceAsync(InstanceRetention.InstanceId, stoppingToken) is { IsCompleted: false })
                {
                    await client.TerminateInstanceAsync(InstanceRetention.InstanceId, "Retention is switched off.", stoppingToken);
                }

                return;
            }
            catch (OrchestrationAlreadyExistsException)
            {
                return;
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                LogDelayed(logger, exception.Message);
                await Task.Delay(RetryDelay, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "The retention of ended instances could not be started yet: {Reason}")]
    private static partial void LogDelayed(ILogger logger, string reason);
}
