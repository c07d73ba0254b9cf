using AiPlatform.TaskHub.Protobuf;
using AiPlatform.TaskHub.Storage;

namespace AiPlatform.TaskHub.Engine;

/// <summary>What clients tell instances that run.</summary>
internal sealed class InstanceCommands(EngineContext context, OwnedPartitions partitions, Instances instances, Endings endings)
{
    /// <summary>Sends an event. Where there is no instance, or one that has ended, it is dropped.</summary>
    public Task RaiseEventAsync(HubState hub, RaiseEventRequest request, CancellationToken cancellationToken)
        => ChangeAsync(
            hub,
            request.InstanceId,
            (commit, instance) => instances.Append(commit, instance, context.NewEvent(item => item.EventRaised = new() { Name = request.Name, Input = request.Input })),
            mustExist: false,
            cancellationToken);

    /// <summary>Halts an instance: it gets no turns until it is resumed.</summary>
    /// <exception cref="KeyNotFoundException">No such instance.</exception>
    public Task SuspendAsync(HubState hub, SuspendRequest request, CancellationToken cancellationToken)
        => ChangeAsync(
            hub,
            request.InstanceId,
            (commit, instance) =>
            {
                if (!instance.IsSuspended)
                {
                    instances.Append(commit, instance, context.NewEvent(item => item.ExecutionSuspended = new() { Input = request.Reason }));
                    instance.State.OrchestrationStatus = OrchestrationStatus.Suspended;
                    instances.Touch(instance);
                    Instances.Snapshot(commit, instance);
                }
            },
            mustExist: true,
            cancellationToken);

    /// <summary>Lets a suspended instance go on.</summary>
    /// <exception cref="KeyNotFoundException">No such instance.</exception>
    public Task ResumeAsync(HubState hub, ResumeRequest request, CancellationToken cancellationToken)
        => ChangeAsync(
            hub,
            request.InstanceId,
            (commit, instance) =>
            {
                if (instance.IsSuspended)
                {
                    instances.Append(commit, instance, context.NewEvent(item => item.ExecutionResumed = new() { Input = request.Reason }));
                    instance.State.OrchestrationStatus = OrchestrationStatus.Running;
                    instances.Touch(instance);
                    Instances.Snapshot(commit, instance);
                }
            },
            mustExist: true,
            cancellationToken);

    /// <summary>Ends an instance at once, without its worker. Where there is none, nothing happens.</summary>
    public Task TerminateAsync(HubState hub, string instanceId, string? output, bool recurse, CancellationToken cancellationToken)
        => ChangeAsync(hub, instanceId, (commit, instance) => endings.Terminate(commit, instance, output, recurse), mustExist: false, cancellationToken);

    /// <summary>Carries out a change of a live instance and waits until it is durable; a finished instance stays as it is.</summary>
    private async Task ChangeAsync(HubState hub, string instanceId, Action<Commit, LiveInstance> change, bool mustExist, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task wait;
            var done = false;
            lock (context.Gate)
            {
                partitions.RequireOwned(instanceId);
                if (!hub.Instances.TryGetValue(instanceId, out var live))
                {
                    break;
                }

                if (!live.Creation.IsCompleted)
                {
                    wait = InstanceStarts.SettledAsync(live.Creation);
                }
                else if (live.Ended)
                {
                    wait = live.LastCommit;
                    done = true;
                }
                else
                {
                    var commit = new Commit();
                    change(commit, live);
                    wait = context.Write(commit, live);
                    done = true;
                }
            }

            await wait.WaitAsync(cancellationToken);
            if (done)
            {
                return;
            }
        }

        if (mustExist && await context.Reader.FindAsync(hub.Id, instanceId, false, cancellationToken) is null)
        {
            throw new KeyNotFoundException($"There is no orchestration instance '{instanceId}'.");
        }
    }
}
