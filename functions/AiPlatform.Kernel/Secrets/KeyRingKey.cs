using System.Security.Cryptography;

namespace AiPlatform.Kernel.Secrets;

/// <summary>The key that encrypts the key ring: AES-256-GCM, derived from the platform's signing key.</summary>
public sealed class KeyRingKey(byte[] signingKey)
{
    private readonly byte[] _key = HKDF.DeriveKey(HashAlgorithmName.SHA256, signingKey, 32, info: "aiplatform data protection"u8.ToArray());

    /// <summary>Encrypts: nonce, tag, ciphertext.</summary>
    public byte[] Encrypt(byte[] plain)
    {
        var result = new byte[AesGcm.NonceByteSizes.MaxSize + AesGcm.TagByteSizes.MaxSize + plain.Length];
        var nonce = result.AsSpan(0, AesGcm.NonceByteSizes.MaxSize);
        RandomNumberGenerator.Fill(nonce);
        using var aes = new AesGcm(_key, AesGcm.TagByteSizes.MaxSize);
        aes.Encrypt(nonce, plain, result.AsSpan(nonce.Length + AesGcm.TagByteSizes.MaxSize), result.AsSpan(nonce.Length, AesGcm.TagByteSizes.MaxSize));
        return result;
    }

    /// <summary>Decrypts what <see cref="Encrypt"/> made.</summary>
    /// <exception cref="CryptographicException">It was changed, or made with another signing key.</exception>
    public byte[] Decrypt(byte[] sealedBytes)
    {
        var head = AesGcm.NonceByteSizes.MaxSize + AesGcm.TagByteSizes.MaxSize;
        if (sealedBytes.Length < head)
        {
            throw new CryptographicException("The key ring entry is too short.");
        }

        var plain = new byte[sealedBytes.Length - head];
        using var aes = new AesGcm(_key, AesGcm.TagByteSizes.MaxSize);
        aes.Decrypt(
            sealedBytes.AsSpan(0, AesGcm.NonceByteSizes.MaxSize), sealedBytes.AsSpan(head), sealedBytes.AsSpan(AesGcm.NonceByteSizes.MaxSize, AesGcm.TagByteSizes.MaxSize), plain);
        return plain;
    }
}
