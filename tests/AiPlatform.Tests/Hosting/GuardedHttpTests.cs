using System.Net;
using AiPlatform.Hosting;

namespace AiPlatform.Tests.Hosting;

/// <summary>No way of writing an inner address gets through; nothing needs to listen there, because nothing is connected.</summary>
public sealed class GuardedHttpTests
{
    [Theory]
    [InlineData("http://127.0.0.1/")]
    [InlineData("http://127.1/")]
    [InlineData("http://2130706433/")]
    [InlineData("http://0x7f000001/")]
    [InlineData("http://0177.0.0.1/")]
    [InlineData("http://0.0.0.0/")]
    [InlineData("http://localhost:5432/")]
    [InlineData("http://LOCALHOST/")]
    [InlineData("http://user:secret@127.0.0.1/")]
    [InlineData("http://public.example@10.0.0.1/")]
    [InlineData("http://169.254.169.254/latest/meta-data/")]
    [InlineData("http://[::1]/")]
    [InlineData("http://[::]/")]
    [InlineData("http://[::ffff:10.0.0.1]/")]
    [InlineData("http://[::7f00:1]/")]
    [InlineData("http://[64:ff9b::a00:1]/")]
    [InlineData("http://[2002:7f00:1::]/")]
    [InlineData("http://[fec0::1]/")]
    [InlineData("http://[fe80::1]/")]
    [InlineData("http://[fd12:3456::1]/")]
    [InlineData("https://192.168.1.1/")]
    public async Task Every_spelling_of_an_inner_address_is_refused(string url)
    {
        using var guarded = new GuardedHttp([]);
        var refused = await Assert.ThrowsAsync<HttpRequestException>(() => guarded.Client.GetAsync(url));
        Assert.IsType<ForbiddenAddressException>(refused.InnerException);
    }

    [Theory]
    [InlineData("127.0.0.1", true)]
    [InlineData("10.1.2.3", true)]
    [InlineData("100.64.0.1", true)]
    [InlineData("169.254.169.254", true)]
    [InlineData("168.63.129.16", true)]
    [InlineData("168.63.129.17", false)]
    [InlineData("5f00::1", true)]
    [InlineData("3fff::1", true)]
    [InlineData("172.31.255.255", true)]
    [InlineData("172.32.0.0", false)]
    [InlineData("::1", true)]
    [InlineData("::ffff:127.0.0.1", true)]
    [InlineData("fd00::1", true)]
    [InlineData("64:ff9b::7f00:1", true)]
    [InlineData("0.0.0.0", true)]
    [InlineData("255.255.255.255", true)]
    [InlineData("8.8.8.8", false)]
    [InlineData("2606:4700:4700::1111", false)]
    public void Only_public_addresses_are_called(string address, bool isPrivate) => Assert.Equal(isPrivate, GuardedHttp.IsPrivate(IPAddress.Parse(address)));

    [Fact]
    public async Task An_allowed_host_is_called_wherever_it_leads_and_only_under_its_own_name()
    {
        using var guarded = new GuardedHttp(["localhost"]);
        // Nobody listens on port 1: the connection is tried and refused by the system.
        var tried = await Assert.ThrowsAsync<HttpRequestException>(() => guarded.Client.GetAsync("http://localhost:1/"));
        Assert.IsNotType<ForbiddenAddressException>(tried.InnerException);
        var refused = await Assert.ThrowsAsync<HttpRequestException>(() => guarded.Client.GetAsync("http://127.0.0.1:1/"));
        Assert.IsType<ForbiddenAddressException>(refused.InnerException);
    }
}
