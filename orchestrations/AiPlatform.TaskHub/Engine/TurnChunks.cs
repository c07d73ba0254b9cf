using AiPlatform.TaskHub.Protobuf;

namespace AiPlatform.TaskHub.Engine;

/// <summary>
/// A completion of a turn as it arrives, in one message or in several. The first chunk says how many events the turn consumed and
/// names its span; workers send 0 and nothing in the others.
/// </summary>
internal sealed class TurnChunks
{
    // What a worker asks for in one turn is held until its last chunk is there.
    private const long MaxBytes = 512L * 1024 * 1024;

    private int _next;
    private long _bytes;

    /// <summary>The actions of all chunks so far.</summary>
    public List<OrchestratorAction> Actions { get; } = [];

    /// <summary>How many events the turn consumed; null for all.</summary>
    public int? NumEventsProcessed { get; private set; }

    /// <summary>The span of the execution, if the worker named one.</summary>
    public OrchestrationTraceContext? TraceContext { get; private set; }

    /// <summary>The last custom status that a chunk named.</summary>
    public string? CustomStatus { get; private set; }

    /// <summary>More has come than is kept.</summary>
    public bool IsTooLarge => _bytes > MaxBytes;

    /// <summary>Adds a message; one that was sent again is counted once.</summary>
    /// <returns>Whether the completion is whole.</returns>
    /// <exception cref="ArgumentException">A chunk before this one is missing.</exception>
    public bool Add(OrchestratorResponse response)
    {
#pragma warning disable CS0612 // Deprecated in the contract, and still how every SDK sends large completions.
        var index = response.ChunkIndex ?? _next;
        var isLast = !response.IsPartial;
#pragma warning restore CS0612
        if (index > _next)
        {
            throw new ArgumentException($"Chunk {index} came, but chunk {_next} did not.", nameof(response));
        }

        if (index < _next)
        {
            return false;
        }

        if (_next == 0)
        {
            NumEventsProcessed = response.NumEventsProcessed;
            TraceContext = response.OrchestrationTraceContext is { SpanID.Length: > 0 } context ? context : null;
        }

        _next++;
        _bytes += response.CalculateSize();
        CustomStatus = response.CustomStatus ?? CustomStatus;
        if (IsTooLarge)
        {
            Actions.Clear();
        }
        else
        {
            Actions.AddRange(response.Actions);
        }

        return isLast;
    }
}
