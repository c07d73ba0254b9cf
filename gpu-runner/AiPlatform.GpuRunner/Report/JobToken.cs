using AiPlatform.Client;

namespace AiPlatform.GpuRunner.Report;

/// <summary>A node's token, renewed by heartbeats and kept on disk for a later life.</summary>
internal sealed class JobToken(NodeDirectory directory, string token) : ITokenSource
{
    private string _token = token;

    /// <summary>Takes a fresh token.</summary>
    public void Renew(string token)
    {
        if (Interlocked.Exchange(ref _token, token) != token)
        {
            directory.WriteToken(token);
        }
    }

    /// <inheritdoc />
    public ValueTask<string?> GetTokenAsync(string? rejected, CancellationToken cancellationToken) => new(Volatile.Read(ref _token));
}
