using System.Text.RegularExpressions;

namespace AiPlatform.Fuzz.Protocols;

/// <summary>A broker.</summary>
/// <param name="connection">Its connection string.</param>
internal sealed partial class AmqpTarget(string connection)
{
    /// <summary>Where it listens, on this machine.</summary>
    public int Port { get; } = int.Parse(Endpoint().Match(connection).Groups["port"].Value);

    /// <summary>The connection string, with another port.</summary>
    public string ConnectionString(int port) => Endpoint().Replace(connection, $"Endpoint=sb://127.0.0.1:{port}");

    [GeneratedRegex(@"Endpoint=sb://127\.0\.0\.1:(?<port>\d+)/?", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Endpoint();
}
