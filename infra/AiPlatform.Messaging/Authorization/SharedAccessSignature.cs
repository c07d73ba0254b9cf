using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace AiPlatform.Messaging.Authorization;

/// <summary>Makes shared access signatures: HMAC-SHA256 over the URL-encoded resource and the expiry, as the Service Bus documentation describes.</summary>
internal static class SharedAccessSignature
{
    internal static string Create(string resource, string keyName, string key, DateTimeOffset expiresOn)
    {
        var encodedResource = Uri.EscapeDataString(resource);
        var expiry = expiresOn.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        var hash = HMACSHA256.HashData(Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes($"{encodedResource}\n{expiry}"));
        var signature = Uri.EscapeDataString(Convert.ToBase64String(hash));
        return $"SharedAccessSignature sr={encodedResource}&sig={signature}&se={expiry}&skn={Uri.EscapeDataString(keyName)}";
    }
}
