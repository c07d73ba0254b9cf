using System.Security.Cryptography;
using System.Text;
using AiPlatform.Kernel.Secrets;
using CsCheck;
using Microsoft.AspNetCore.DataProtection;

namespace AiPlatform.Tests.Functions.Core;

/// <summary>Secrets that have to be sent again are kept encrypted, and only for their own place.</summary>
public sealed class SecretBoxTests
{
    private static readonly SecretBox Secrets = new(new EphemeralDataProtectionProvider());

    [Fact]
    public void A_protected_secret_comes_back_for_its_purpose_and_shows_nothing()
        => Gen.String[1, 200].Sample(secret =>
        {
            var plain = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(secret)); // Lone surrogates are no text.
            var box = Secrets.Protect("a", plain);
            Assert.Equal(plain, Secrets.Unprotect("a", box));
            Assert.NotEqual(box, Secrets.Protect("a", plain));
        });

    [Fact]
    public void What_was_changed_moved_or_protected_under_another_key_does_not_open()
    {
        var box = Secrets.Protect("a", "Bearer secret");
        Assert.Equal(-1, box.AsSpan().IndexOf("Bearer"u8));
        for (var i = 0; i < box.Length; i++)
        {
            var changed = (byte[])box.Clone();
            changed[i] ^= 1;
            Assert.ThrowsAny<CryptographicException>(() => Secrets.Unprotect("a", changed));
        }

        Assert.ThrowsAny<CryptographicException>(() => Secrets.Unprotect("b", box));
        Assert.ThrowsAny<CryptographicException>(() => new SecretBox(new EphemeralDataProtectionProvider()).Unprotect("a", box));
    }

    [Fact]
    public void The_key_ring_is_sealed_under_the_signing_key()
    {
        var key = new KeyRingKey([.. Enumerable.Repeat((byte)1, 32)]);
        var sealedBytes = key.Encrypt("a key"u8.ToArray());
        Assert.Equal("a key"u8.ToArray(), key.Decrypt(sealedBytes));
        Assert.ThrowsAny<CryptographicException>(() => new KeyRingKey([.. Enumerable.Repeat((byte)2, 32)]).Decrypt(sealedBytes));
        Assert.ThrowsAny<CryptographicException>(() => key.Decrypt(sealedBytes[..20]));
    }
}
