using System.Security.Cryptography;
using System.Text;
using AiPlatform.Functions.Features.Lineage;
using CsCheck;
using Microsoft.Extensions.Configuration;

namespace AiPlatform.Tests.Functions.Lineage;

public sealed class SecretBoxTests
{
    private static readonly SecretBox Box = Make(1);

    [Fact]
    public void A_sealed_secret_opens_to_itself_and_shows_nothing()
        => Gen.String[1, 200].Sample(secret =>
        {
            var plain = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(secret)); // Lone surrogates are no text.
            var box = Box.Seal(plain);
            Assert.Equal(plain, Box.Open(box));
            Assert.NotEqual(box, Box.Seal(plain));
        });

    [Fact]
    public void What_was_changed_cut_or_sealed_under_another_key_does_not_open()
    {
        var box = Box.Seal("Bearer secret");
        Assert.DoesNotContain("Bearer", Encoding.UTF8.GetString(box), StringComparison.Ordinal);
        for (var i = 0; i < box.Length; i++)
        {
            var changed = (byte[])box.Clone();
            changed[i] ^= 1;
            Assert.ThrowsAny<CryptographicException>(() => Box.Open(changed));
        }

        Assert.ThrowsAny<CryptographicException>(() => Box.Open(box[..^1]));
        Assert.ThrowsAny<CryptographicException>(() => Box.Open([]));
        Assert.ThrowsAny<CryptographicException>(() => Make(2).Open(box));
    }

    private static SecretBox Make(byte key) => new(new ConfigurationBuilder()
        .AddInMemoryCollection([new("Identity:SigningKey", Convert.ToBase64String(Enumerable.Repeat(key, 32).ToArray()))]).Build());
}
