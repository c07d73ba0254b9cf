using System.Security.Cryptography;
using System.Text;
using AiPlatform.Functions.Infrastructure;
using CsCheck;
using Microsoft.Extensions.Configuration;

namespace AiPlatform.Tests.Functions.Lineage;

/// <summary>Secrets that have to be sent again are kept encrypted, and only for their own place.</summary>
public sealed class SecretTextTests
{
    private static readonly SecretText Secrets = Make(1);

    [Fact]
    public void A_protected_secret_comes_back_for_its_purpose_and_shows_nothing()
        => Gen.String[1, 200].Sample(secret =>
        {
            var plain = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(secret)); // Lone surrogates are no text.
            var box = Secrets.Protect(plain, "a");
            Assert.Equal(plain, Secrets.Unprotect(box, "a"));
            Assert.NotEqual(box, Secrets.Protect(plain, "a"));
        });

    [Fact]
    public void What_was_changed_moved_or_protected_under_another_key_does_not_open()
    {
        var box = Convert.FromBase64String(Secrets.Protect("Bearer secret", "a"));
        Assert.DoesNotContain("Bearer", Encoding.UTF8.GetString(box), StringComparison.Ordinal);
        for (var i = 0; i < box.Length; i++)
        {
            var changed = (byte[])box.Clone();
            changed[i] ^= 1;
            Assert.ThrowsAny<CryptographicException>(() => Secrets.Unprotect(Convert.ToBase64String(changed), "a"));
        }

        Assert.ThrowsAny<CryptographicException>(() => Secrets.Unprotect(Convert.ToBase64String(box), "b"));
        Assert.ThrowsAny<CryptographicException>(() => Make(2).Unprotect(Convert.ToBase64String(box), "a"));
    }

    private static SecretText Make(byte key) => new(new ConfigurationBuilder()
        .AddInMemoryCollection([new("Identity:SigningKey", Convert.ToBase64String(Enumerable.Repeat(key, 32).ToArray()))]).Build());
}
