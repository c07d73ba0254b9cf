using AiPlatform.Client;

namespace AiPlatform.GpuRunner.Report;

/// <summary>
/// A node's token, renewed by heartbeats and kept on disk for a later life. When it has expired meanwhile (only nodes that run get
/// fresh ones), the runner brings what the job left with its own identity.
/// </summary>
internal sealed class JobToken(NodeDirectory directory, string token, ITokenSource runner) : ITokenSource
{
    private readonly Lock _gate = new();
    private string _token = token;
    private bool _rejected;

    /// <summary>Takes a fresh token.</summary>
    public void Renew(string token)
    {
        lock (_gate)
        {
            if (_token == token)
            {
                return;
            }

            (_token, _rejected) = (token, false);
            directory.WriteToken(token);
        }
    }

    /// <inheritdoc />
    public ValueTask<string?> GetTokenAsync(string? rejected, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            _rejected |= rejected is not null && rejected == _token;
            if (!_rejected)
            {
                return new ValueTask<string?>(_token);
            }
        }

        return runner.GetTokenAsync(rejected, cancellationToken);
    }
}
