using System.Security.Cryptography;
using System.Text;

namespace AiPlatform.Functions.Features.Lineage;

/// <summary>
/// Keeps secrets that have to be sent again, encrypted at rest (AES-256-GCM) under a key derived from the platform's signing key: a copy
/// of the database alone does not give them away.
/// </summary>
internal sealed class SecretBox
{
    private const int NonceBytes = 12;
    private const int TagBytes = 16;

    private readonly byte[] _key;

    public SecretBox(IConfiguration configuration)
        => _key = HKDF.DeriveKey(
            HashAlgorithmName.SHA256, Convert.FromBase64String(configuration["Identity:SigningKey"] ?? string.Empty), 32, info: "aiplatform lineage secrets"u8.ToArray());

    /// <summary>Nonce, tag and ciphertext.</summary>
    public byte[] Seal(string secret)
    {
        var plain = Encoding.UTF8.GetBytes(secret);
        var box = new byte[NonceBytes + TagBytes + plain.Length];
        RandomNumberGenerator.Fill(box.AsSpan(0, NonceBytes));
        using var aes = new AesGcm(_key, TagBytes);
        aes.Encrypt(box.AsSpan(0, NonceBytes), plain, box.AsSpan(NonceBytes + TagBytes), box.AsSpan(NonceBytes, TagBytes));
        return box;
    }

    /// <summary>The secret.</summary>
    /// <exception cref="CryptographicException">It was sealed under another key, or changed.</exception>
    public string Open(byte[] box)
    {
        if (box.Length < NonceBytes + TagBytes)
        {
            throw new CryptographicException("The sealed secret is too short.");
        }

        var plain = new byte[box.Length - NonceBytes - TagBytes];
        using var aes = new AesGcm(_key, TagBytes);
        aes.Decrypt(box.AsSpan(0, NonceBytes), box.AsSpan(NonceBytes + TagBytes), box.AsSpan(NonceBytes, TagBytes), plain);
        return Encoding.UTF8.GetString(plain);
    }
}
