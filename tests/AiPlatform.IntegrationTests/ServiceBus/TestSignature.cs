using System.Security.Cryptography;
using System.Text;

namespace AiPlatform.IntegrationTests.ServiceBus;

/// <summary>Shared access signatures with any resource, key and end.</summary>
internal static class TestSignature
{
    public static string Create(string resource, string keyName, string key, DateTimeOffset expiresOn)
    {
        var audience = Uri.EscapeDataString(resource);
        var expiry = expiresOn.ToUnixTimeSeconds();
        var signature = Convert.ToBase64String(HMACSHA256.HashData(Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes($"{audience}\n{expiry}")));
        return $"SharedAccessSignature sr={audience}&sig={Uri.EscapeDataString(signature)}&se={expiry}&skn={Uri.EscapeDataString(keyName)}";
    }
}
