using AiPlatform.TaskHub.Protobuf;

namespace AiPlatform.TaskHub.Engine;

/// <summary>Workers that are connected, and the turns in which they are given work.</summary>
internal sealed class Workers
{
    private static readonly TimeSpan LeaseSweep = TimeSpan.FromSeconds(30);

    private readonly EngineContext _context;
    private readonly TurnDelivery _turns;
    private readonly ActivityDelivery _activities;
    private readonly BatchDelivery _batches;
    private readonly Survivors _survivors;

    /// <summary>Begins to look for workers that do not answer.</summary>
    public Workers(EngineContext context, TurnDelivery turns, ActivityDelivery activities, BatchDelivery batches, Survivors survivors)
    {
        (_context, _turns, _activities, _batches, _survivors) = (context, turns, activities, batches, survivors);
        context.Pump = PumpAll;
        lock (context.Gate)
        {
            SweepLeases();
        }
    }

    /// <summary>A worker connects.</summary>
    public WorkerConnection Connect(HubState hub, GetWorkItemsRequest request)
    {
        var worker = new WorkerConnection(hub, request, _context.Options.DefaultWorkerConcurrency);
        lock (_context.Gate)
        {
            hub.RequireThere();
            hub.Workers.Add(worker);
            Pump(hub);
        }

        return worker;
    }

    /// <summary>
    /// A worker's stream ended. Its turns go to others at once: they are short and repeatable. Its activities may still be running,
    /// and may still report; they are delivered again after a grace.
    /// </summary>
    public void Disconnect(WorkerConnection worker)
    {
        lock (_context.Gate)
        {
            worker.Close();
            worker.Hub.Workers.Remove(worker);
            _survivors.Forget(worker);
            foreach (var instance in worker.Turns.ToArray())
            {
                _turns.TakeBack(instance);
            }

            foreach (var entity in worker.Entities.ToArray())
            {
                _batches.TakeBack(entity);
            }

            _activities.Lose(worker);
            Pump(worker.Hub);
        }
    }

    /// <summary>Closes the streams of all of them.</summary>
    public void CloseAll()
    {
        lock (_context.Gate)
        {
            _context.Deadlines.Dispose();
            foreach (var worker in _context.Hubs.Values.SelectMany(hub => hub.Workers))
            {
                worker.Close();
            }
        }
    }

    /// <summary>Gives waiting work of all hubs to workers with room. Called under the lock.</summary>
    public void PumpAll()
    {
        foreach (var hub in _context.Hubs.Values)
        {
            Pump(hub);
        }
    }

    /// <summary>Gives waiting work to workers with room, one item each in turn. Called under the lock.</summary>
    public void Pump(HubState hub)
    {
        for (var served = true; served && hub.Turns.Count + hub.Activities.Count + hub.Batches.Count > 0;)
        {
            served = false;
            for (var count = hub.Workers.Count; count > 0; count--)
            {
                hub.NextWorker = (hub.NextWorker + 1) % hub.Workers.Count;
                var worker = hub.Workers[hub.NextWorker];
                served |= _turns.Serve(worker) | _activities.Serve(worker) | _batches.Serve(worker);
            }
        }
    }

    /// <summary>A worker whose stream lives but which never answers loses its turns in the end. Called under the lock.</summary>
    private void SweepLeases()
    {
        var before = _context.Now - _context.Options.TurnLease;
        foreach (var worker in _context.Hubs.Values.SelectMany(hub => hub.Workers))
        {
            foreach (var instance in worker.Turns.Where(instance => instance.Turn is { } turn && turn.At < before).ToArray())
            {
                _turns.TakeBack(instance);
            }

            foreach (var entity in worker.Entities.Where(entity => entity.Batch is { } batch && batch.At < before).ToArray())
            {
                _batches.TakeBack(entity);
            }
        }

        _context.Deadlines.Add(_context.Now + LeaseSweep, SweepLeases);
    }
}
