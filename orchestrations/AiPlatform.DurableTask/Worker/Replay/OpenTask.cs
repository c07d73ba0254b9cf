namespace AiPlatform.DurableTask.Worker.Replay;

/// <summary>A call that the orchestrator awaits, or may await, and whose answer has not come.</summary>
internal abstract class OpenTask(string name, int id)
{
    public string Name { get; } = name;

    public int Id { get; } = id;

    public abstract void Complete(string? result);

    public void Fail(TaskFailureDetails details) => Fail(new TaskFailedException(Name, Id, details));

    public abstract void Fail(Exception exception);
}

/// <summary>A call with a result.</summary>
internal sealed class OpenTask<T>(string name, int id, DataConverter converter) : OpenTask(name, id)
{
    // Continuations run where the result is set: on the turn's thread.
    private readonly TaskCompletionSource<T> _source = new();

    public Task<T> Task => _source.Task;

    public override void Complete(string? result)
    {
        T? value;
        try
        {
            value = converter.Deserialize<T>(result);
        }
        catch (Exception exception)
        {
            _source.TrySetException(exception);
            return;
        }

        _source.TrySetResult(value!);
    }

    public void Cancel(CancellationToken cancellationToken) => _source.TrySetCanceled(cancellationToken);

    public override void Fail(Exception exception) => _source.TrySetException(exception);
}
