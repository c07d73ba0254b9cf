using System.Security.Cryptography;
using AiPlatform.Kernel.Secrets;
using CsCheck;

namespace AiPlatform.Tests.Functions.Core;

public sealed class KeyRingKeyTests
{
    private readonly KeyRingKey _key = new([.. Enumerable.Range(0, 32).Select(static i => (byte)i)]);

    [Fact]
    public void What_was_encrypted_comes_back_and_never_looks_the_same_twice()
        => Gen.Byte.Array[0, 200].Sample(plain =>
        {
            var sealedBytes = _key.Encrypt(plain);
            Assert.Equal(plain, _key.Decrypt(sealedBytes));
            Assert.NotEqual(sealedBytes, _key.Encrypt(plain));
        });

    [Fact]
    public void What_was_changed_cut_or_made_with_another_key_is_refused()
    {
        var sealedBytes = _key.Encrypt("secret"u8.ToArray());
        Assert.ThrowsAny<CryptographicException>(() => new KeyRingKey(new byte[32]).Decrypt(sealedBytes));
        Assert.ThrowsAny<CryptographicException>(() => _key.Decrypt(sealedBytes[..10]));
        for (var i = 0; i < sealedBytes.Length; i++)
        {
            var changed = (byte[])sealedBytes.Clone();
            changed[i] ^= 1;
            Assert.ThrowsAny<CryptographicException>(() => _key.Decrypt(changed));
        }
    }
}
