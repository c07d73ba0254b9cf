using System.Security.Cryptography;
using System.Text;
using AiPlatform.ServiceBusEmulator.Protocol;

namespace AiPlatform.Tests.ServiceBusEmulator;

public sealed class SasValidatorTests
{
    private const string Key = "the key";

    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly SasValidator _validator = new("policy", Key);

    [Fact]
    public void A_signature_of_the_policy_grants_its_resource_until_it_expires()
    {
        var token = Sign("sb://host:5672/Jobs/", "policy", Key, Now.AddMinutes(5));
        var grant = _validator.Validate(token, Now);
        Assert.Equal(new SasGrant("jobs", Now.AddMinutes(5)), grant);
        Assert.Null(_validator.Validate(token, Now.AddMinutes(5)));
    }

    [Fact]
    public void A_signature_that_was_touched_grants_nothing()
    {
        var token = Sign("sb://host/jobs", "policy", Key, Now.AddMinutes(5));
        Assert.Null(_validator.Validate(token.Replace("jobs", "other", StringComparison.Ordinal), Now));
        Assert.Null(_validator.Validate(token.Replace("se=1", "se=2", StringComparison.Ordinal), Now));
        Assert.Null(_validator.Validate(Sign("sb://host/jobs", "policy", "other key", Now.AddMinutes(5)), Now));
        Assert.Null(_validator.Validate(Sign("sb://host/jobs", "other", Key, Now.AddMinutes(5)), Now));
    }

    [Theory]
    [InlineData("")]
    [InlineData("SharedAccessSignature ")]
    [InlineData("SharedAccessSignature sr=a&sig=b&skn=policy&se=x")]
    [InlineData("SharedAccessSignature sr=a&sig=b&skn=policy&se=99999999999999999999")]
    [InlineData("SharedAccessSignature sr=a&sig=b&skn=policy&se=999999999999999")]
    [InlineData("Bearer x")]
    public void What_is_no_signature_grants_nothing(string token) => Assert.Null(_validator.Validate(token, Now));

    [Theory]
    [InlineData("sb://host:5672/queue/$management", "queue/$management")]
    [InlineData("sb://host/", "")]
    [InlineData("sb://host", "")]
    [InlineData("amqps://HOST/Queue", "queue")]
    [InlineData("/queue/", "queue")]
    public void The_entity_is_found_in_a_resource(string resource, string path) => Assert.Equal(path, SasValidator.PathOf(resource));

    private static string Sign(string resource, string keyName, string key, DateTimeOffset expiresOn)
    {
        var audience = Uri.EscapeDataString(resource);
        var expiry = expiresOn.ToUnixTimeSeconds();
        var signature = Convert.ToBase64String(HMACSHA256.HashData(Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes($"{audience}\n{expiry}")));
        return $"SharedAccessSignature sr={audience}&sig={Uri.EscapeDataString(signature)}&se={expiry}&skn={keyName}";
    }

    [Fact]
    public void Rights_cover_what_is_below_them_and_nothing_beside()
    {
        var state = new ConnectionState();
        state.Grant("jobs", Now);
        Assert.Equal(Now, state.RightEnds("jobs"));
        Assert.Equal(Now, state.RightEnds("jobs/$management"));
        Assert.Null(state.RightEnds("jobs2"));
        Assert.Null(state.RightEnds("other"));
        state.Grant(string.Empty, Now.AddHours(1));
        Assert.Equal(Now.AddHours(1), state.RightEnds("other"));
    }
}
