using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using AiPlatform.ServiceBusEmulator.Entities;

namespace AiPlatform.ServiceBusEmulator.Protocol;

/// <summary>What a valid token allows, and until when.</summary>
internal readonly record struct SasGrant(string ResourcePath, DateTimeOffset ExpiresOn, AccessRights Rights = AccessRights.All)
{
    /// <summary>Whether the token is for an entity, or for something that the entity is in.</summary>
    internal bool Covers(string path)
        => ResourcePath.Length == 0 || path == ResourcePath || path.StartsWith(ResourcePath + "/", StringComparison.Ordinal);
}

/// <summary>Checks shared access signatures against the namespace's policy, and those of single entities.</summary>
internal sealed class SasValidator(string keyName, string key)
{
    private const string Prefix = "SharedAccessSignature ";

    private readonly byte[] _key = Encoding.UTF8.GetBytes(key);
    private readonly byte[] _keyName = Encoding.UTF8.GetBytes(keyName);

    /// <summary>Checks a key name and key, as SASL PLAIN carries them.</summary>
    internal bool IsKey(string name, string secret)
        => Equal(_keyName, Encoding.UTF8.GetBytes(name)) & Equal(_key, Encoding.UTF8.GetBytes(secret));

    /// <summary>Checks a signature; null when it is malformed, forged, expired, or of another policy.</summary>
    /// <param name="token">As clients put it.</param>
    /// <param name="now">The time.</param>
    /// <param name="rulesOf">The policies of the entity in a resource, in lower case.</param>
    internal SasGrant? Validate(string token, DateTimeOffset now, Func<string, IEnumerable<AuthorizationRule>>? rulesOf = null)
    {
        if (!token.StartsWith(Prefix, StringComparison.Ordinal))
        {
            return null;
        }

        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var field in token[Prefix.Length..].Split('&'))
        {
            var separator = field.IndexOf('=', StringComparison.Ordinal);
            if (separator > 0)
            {
                fields[field[..separator]] = field[(separator + 1)..];
            }
        }

        if (!fields.TryGetValue("sr", out var resource)
            || !fields.TryGetValue("sig", out var signature)
            || !fields.TryGetValue("se", out var expiry)
            || !fields.TryGetValue("skn", out var name)
            || !long.TryParse(expiry, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            || seconds > DateTimeOffset.MaxValue.ToUnixTimeSeconds())
        {
            return null;
        }

        var expiresOn = DateTimeOffset.FromUnixTimeSeconds(seconds);
        if (expiresOn <= now)
        {
            return null;
        }

        var policy = Uri.UnescapeDataString(name);
        var given = Encoding.UTF8.GetBytes(Uri.UnescapeDataString(signature));
        var signed = Encoding.UTF8.GetBytes($"{resource}\n{expiry}");
        var path = PathOf(Uri.UnescapeDataString(resource));
        if (Equal(_keyName, Encoding.UTF8.GetBytes(policy)) & IsSignedWith(_key, signed, given))
        {
            return new SasGrant(path, expiresOn);
        }

        foreach (var rule in rulesOf?.Invoke(path) ?? [])
        {
            if (rule.KeyName == policy && (IsSignedWith(rule.PrimaryKey, signed, given) | IsSignedWith(rule.SecondaryKey, signed, given)))
            {
                return new SasGrant(path, expiresOn, rule.Rights);
            }
        }

        return null;
    }

    private static bool IsSignedWith(string key, byte[] signed, byte[] given) => key.Length > 0 && IsSignedWith(Encoding.UTF8.GetBytes(key), signed, given);

    private static bool IsSignedWith(byte[] key, byte[] signed, byte[] given)
        => Equal(Encoding.UTF8.GetBytes(Convert.ToBase64String(HMACSHA256.HashData(key, signed))), given);

    /// <summary>The entity in a resource such as <c>sb://host:port/queue</c>, in lower case; empty for the whole namespace.</summary>
    internal static string PathOf(string resource)
    {
        var path = resource;
        var scheme = resource.IndexOf("://", StringComparison.Ordinal);
        if (scheme >= 0)
        {
            var slash = resource.IndexOf('/', scheme + 3);
            path = slash < 0 ? string.Empty : resource[(slash + 1)..];
        }

        // Administration clients sign the whole address of the request.
        var query = path.IndexOf('?', StringComparison.Ordinal);
        return (query < 0 ? path : path[..query]).Trim('/').ToLowerInvariant();
    }

    // Compared through hashes, so that neither time nor length tells anything about the secret.
    private static bool Equal(byte[] expected, byte[] actual)
        => CryptographicOperations.FixedTimeEquals(SHA256.HashData(expected), SHA256.HashData(actual));
}
