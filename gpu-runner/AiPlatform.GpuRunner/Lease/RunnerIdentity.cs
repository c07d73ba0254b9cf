using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Microsoft.Extensions.Options;

namespace AiPlatform.GpuRunner.Lease;

/// <summary>Who this runner is: an id that stays in the data directory, a session that lasts as long as the process.</summary>
internal sealed class RunnerIdentity : IDisposable
{
    private readonly FileStream _lock;

    /// <exception cref="InvalidOperationException">Another runner uses the data directory.</exception>
    public RunnerIdentity(IOptions<RunnerOptions> options)
    {
        DataDirectory = options.Value.DataDirectory;
        Directory.CreateDirectory(DataDirectory);
        try
        {
            _lock = new FileStream(Path.Combine(DataDirectory, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException exception)
        {
            throw new InvalidOperationException($"Another runner uses {DataDirectory}.", exception);
        }

        Id = ReadOrCreateId(Path.Combine(DataDirectory, "id"));
        Host = options.Value.Host ?? (new Uri(options.Value.ApiUrl).IsLoopback ? "127.0.0.1" : FirstAddress());
    }

    /// <summary>The data directory's full path.</summary>
    public string DataDirectory { get; }

    /// <summary>Stays over restarts.</summary>
    public string Id { get; }

    /// <summary>New at each start.</summary>
    public string SessionId { get; } = Guid.CreateVersion7().ToString("N");

    /// <summary>Where other machines reach this one.</summary>
    public string Host { get; }

    /// <inheritdoc />
    public void Dispose() => _lock.Dispose();

    private static string ReadOrCreateId(string file)
    {
        if (File.Exists(file) && File.ReadAllText(file).Trim() is { Length: 32 } id && id.All(char.IsAsciiHexDigitLower))
        {
            return id;
        }

        var made = Guid.CreateVersion7().ToString("N");
        File.WriteAllText(file + ".new", made);
        File.Move(file + ".new", file, overwrite: true);
        return made;
    }

    private static string FirstAddress()
        => NetworkInterface.GetAllNetworkInterfaces()
            .Where(static card => card.OperationalStatus == OperationalStatus.Up && card.NetworkInterfaceType != NetworkInterfaceType.Loopback)
            .SelectMany(static card => card.GetIPProperties().UnicastAddresses)
            .FirstOrDefault(static address => address.Address.AddressFamily == AddressFamily.InterNetwork)?.Address.ToString()
            ?? IPAddress.Loopback.ToString();
}
