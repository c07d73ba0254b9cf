using System.Buffers.Text;
using System.Security.Cryptography;

namespace AiPlatform.Local.Platform;

/// <summary>The secrets of one data directory, made once.</summary>
/// <param name="Postgres">The database superuser's password.</param>
/// <param name="SigningKey">Signs the access tokens; base64.</param>
/// <param name="OrchestrationsSecret">The orchestrations' service secret.</param>
/// <param name="RunnerSecret">The runners' service secret.</param>
/// <param name="SharedAccessKey">The Service Bus namespace's key; base64.</param>
/// <param name="AdministratorPassword">The first administrator's password.</param>
/// <param name="BlobKey">The storage account's key; base64. Job code shares the network, and Azurite's own key is public.</param>
/// <param name="Redis">The Redis server's password.</param>
/// <param name="TaskHubKey">The task hub's access key.</param>
/// <param name="MetricsToken">Reads every process's metrics.</param>
internal sealed record PlatformSecrets(
    string Postgres, string SigningKey, string OrchestrationsSecret, string RunnerSecret, string SharedAccessKey,
    string AdministratorPassword, string BlobKey, string Redis, string TaskHubKey, string MetricsToken)
{
    private const int BlobKeyBytes = 64;

    /// <summary>Reads the secrets, or makes them when the file does not exist.</summary>
    public static PlatformSecrets LoadOrCreate(string file)
    {
        var existing = PrivateFile.Read<PlatformSecrets>(file);
        if (existing is { BlobKey: not null, Redis: not null, TaskHubKey: not null, MetricsToken: not null })
        {
            return existing;
        }

        // A file of an earlier version lacks what came later.
        var secrets = existing is null
            ? new PlatformSecrets(Text(), Key(48), Text(), Text(), Key(32), Text(18), Key(BlobKeyBytes), Text(), Text(), Text())
            : existing with
            {
                BlobKey = existing.BlobKey ?? Key(BlobKeyBytes),
                Redis = existing.Redis ?? Text(),
                TaskHubKey = existing.TaskHubKey ?? Text(),
                MetricsToken = existing.MetricsToken ?? Text(),
            };
        PrivateFile.Write(file, secrets);
        return secrets;
    }

    private static string Key(int bytes) => Convert.ToBase64String(RandomNumberGenerator.GetBytes(bytes));

    private static string Text(int bytes = 32) => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(bytes));
}
