using System.Text;
using Microsoft.AspNetCore.DataProtection;

namespace AiPlatform.Kernel.Secrets;

/// <summary>Encrypts secrets that are stored in tables. What one purpose encrypted no other one decrypts.</summary>
public sealed class SecretBox(IDataProtectionProvider provider)
{
    /// <summary>Encrypts a secret.</summary>
    /// <param name="purpose">Such as <c>webhook:{id}</c>, so that a ciphertext in another row is of no use.</param>
    public byte[] Protect(string purpose, string secret) => provider.CreateProtector(purpose).Protect(Encoding.UTF8.GetBytes(secret));

    /// <summary>Decrypts what <see cref="Protect"/> made.</summary>
    /// <exception cref="System.Security.Cryptography.CryptographicException">It was made for another purpose, or its key is gone.</exception>
    public string Unprotect(string purpose, byte[] ciphertext) => Encoding.UTF8.GetString(provider.CreateProtector(purpose).Unprotect(ciphertext));
}
