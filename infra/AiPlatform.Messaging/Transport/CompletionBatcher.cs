namespace AiPlatform.Messaging.Transport;

/// <summary>
/// Confirms completions in groups: while one request is on its way the next group collects, so that many handlers share
/// the round trips. When a group fails because of one lost lock, its members are tried one by one.
/// </summary>
internal sealed class CompletionBatcher(Func<Guid[], CancellationToken, Task> complete)
{
    private const int MaxGroup = 200;
    private const int MaxRequests = 2;

    private readonly Lock _lock = new();
    private readonly Queue<(Guid Token, TaskCompletionSource Done)> _waiting = new();
    private int _requests;

    internal Task CompleteAsync(Guid lockToken, CancellationToken cancellationToken)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            _waiting.Enqueue((lockToken, done));
            if (_requests < MaxRequests)
            {
                _requests++;
                _ = RunAsync();
            }
        }

        return done.Task.WaitAsync(cancellationToken);
    }

    private async Task RunAsync()
    {
        await Task.Yield();
        while (true)
        {
            var group = new List<(Guid Token, TaskCompletionSource Done)>();
            lock (_lock)
            {
                while (group.Count < MaxGroup && _waiting.TryDequeue(out var item))
                {
                    group.Add(item);
                }

                if (group.Count == 0)
                {
                    _requests--;
                    return;
                }
            }

            await CompleteGroupAsync(group);
        }
    }

    private async Task CompleteGroupAsync(List<(Guid Token, TaskCompletionSource Done)> group)
    {
        try
        {
            await complete([.. group.Select(item => item.Token)], CancellationToken.None);
            group.ForEach(item => item.Done.TrySetResult());
        }
        catch (ServiceBusException exception) when (group.Count > 1 && !exception.IsTransient)
        {
            foreach (var item in group)
            {
                await CompleteGroupAsync([item]);
            }
        }
        catch (Exception exception)
        {
            group.ForEach(item => item.Done.TrySetException(exception));
        }
    }
}
