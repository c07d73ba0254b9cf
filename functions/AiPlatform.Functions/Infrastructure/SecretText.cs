using System.Security.Cryptography;
using System.Text;

namespace AiPlatform.Functions.Infrastructure;

/// <summary>Encrypts short secrets at rest (AES-256-GCM) under a key that all instances derive from their signing key.</summary>
internal sealed class SecretText
{
    private const int NonceBytes = 12;
    private const int TagBytes = 16;

    private readonly byte[] _key;

    public SecretText(IConfiguration configuration)
    {
        var signing = Convert.FromBase64String(configuration["Identity:SigningKey"] ?? throw new InvalidOperationException("Set Identity__SigningKey."));
        _key = HKDF.DeriveKey(HashAlgorithmName.SHA256, signing, 32, info: "secret-text"u8.ToArray());
    }

    /// <summary>The encrypted text.</summary>
    /// <param name="purpose">Binds it to its place: what was encrypted for one row is nothing in another.</param>
    public string Protect(string text, string purpose)
    {
        var plain = Encoding.UTF8.GetBytes(text);
        var sealedBytes = new byte[NonceBytes + TagBytes + plain.Length];
        var nonce = sealedBytes.AsSpan(0, NonceBytes);
        RandomNumberGenerator.Fill(nonce);
        using var aes = new AesGcm(_key, TagBytes);
        aes.Encrypt(nonce, plain, sealedBytes.AsSpan(NonceBytes + TagBytes), sealedBytes.AsSpan(NonceBytes, TagBytes), Encoding.UTF8.GetBytes(purpose));
        return Convert.ToBase64String(sealedBytes);
    }

    /// <summary>The text that was encrypted for this purpose.</summary>
    /// <exception cref="CryptographicException">It was changed, or encrypted for something else or under another key.</exception>
    public string Unprotect(string text, string purpose)
    {
        var sealedBytes = Convert.FromBase64String(text);
        var plain = new byte[sealedBytes.Length - NonceBytes - TagBytes];
        using var aes = new AesGcm(_key, TagBytes);
        aes.Decrypt(sealedBytes.AsSpan(0, NonceBytes), sealedBytes.AsSpan(NonceBytes + TagBytes), sealedBytes.AsSpan(NonceBytes, TagBytes), plain, Encoding.UTF8.GetBytes(purpose));
        return Encoding.UTF8.GetString(plain);
    }
}
