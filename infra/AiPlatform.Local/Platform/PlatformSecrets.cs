using System.Buffers.Text;
using System.Security.Cryptography;

namespace AiPlatform.Local.Platform;

/// <summary>The secrets of one data directory, made once.</summary>
/// <param name="Postgres">The database superuser's password.</param>
/// <param name="SigningKey">Signs the access tokens; base64.</param>
/// <param name="OrchestrationsSecret">The orchestrations' service secret.</param>
/// <param name="RunnerSecret">The runners' service secret.</param>
/// <param name="TriggersKey">Shows that an invocation comes from the dispatcher.</param>
/// <param name="SharedAccessKey">The Service Bus namespace's key; base64.</param>
/// <param name="AdministratorPassword">The first administrator's password.</param>
internal sealed record PlatformSecrets(
    string Postgres, string SigningKey, string OrchestrationsSecret, string RunnerSecret, string TriggersKey, string SharedAccessKey,
    string AdministratorPassword)
{
    /// <summary>Reads the secrets, or makes them when the file does not exist.</summary>
    public static PlatformSecrets LoadOrCreate(string file)
    {
        if (PrivateFile.Read<PlatformSecrets>(file) is { } existing)
        {
            return existing;
        }

        var secrets = new PlatformSecrets(
            Text(), Convert.ToBase64String(RandomNumberGenerator.GetBytes(48)), Text(), Text(), Text(),
            Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)), Text(18));
        PrivateFile.Write(file, secrets);
        return secrets;
    }

    private static string Text(int bytes = 32) => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(bytes));
}
