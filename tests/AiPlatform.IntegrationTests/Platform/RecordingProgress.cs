using System.Collections.Concurrent;
using AiPlatform.Local.Platform;

namespace AiPlatform.IntegrationTests.Platform;

/// <summary>Keeps what the launcher tells, for the message of a test that fails.</summary>
internal sealed class RecordingProgress : IPlatformProgress
{
    private readonly ConcurrentQueue<string> _lines = new();

    public IReadOnlyCollection<string> Lines => _lines;

    public void PartIsReady(string name, TimeSpan took) => Report($"{name} ready after {took.TotalSeconds:0.0} s");

    public void Report(string line) => _lines.Enqueue($"{DateTimeOffset.UtcNow:HH:mm:ss.fff} {line}");

    public override string ToString() => string.Join('\n', _lines);
}
