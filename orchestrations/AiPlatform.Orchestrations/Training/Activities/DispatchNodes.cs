using System.Diagnostics;
using AiPlatform.Client;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Orchestrations.Platform;
using AiPlatform.Orchestrations.Training.Models;
using Azure.Messaging.ServiceBus;

namespace AiPlatform.Orchestrations.Training.Activities;

/// <summary>
/// Offers every node of an attempt to the runners: one message each. A repeat sends the same message ids again; the
/// claim in the API lets only one runner have a node.
/// </summary>
public sealed class DispatchNodes(AiPlatformClient api, ServiceBusClient bus) : PlatformActivity<DispatchNodesInput, JobSpec>
{
    /// <inheritdoc />
    protected override async Task<JobSpec> CallAsync(DispatchNodesInput input)
    {
        var job = await api.GetJobAsync(input.JobId, CancellationToken.None);
        await using var sender = bus.CreateSender(input.Admission.Queue);
        var traceparent = Activity.Current?.Id;
        var messages = input.Admission.Nodes.Select(node => new ServiceBusMessage(
            BinaryData.FromObjectAsJson(node with { Traceparent = traceparent }, ContractsJson.Strict))
        {
            MessageId = node.MessageId,
            ContentType = "application/json",
        });
        await sender.SendMessagesAsync(messages, CancellationToken.None);
        return job.Spec;
    }
}
