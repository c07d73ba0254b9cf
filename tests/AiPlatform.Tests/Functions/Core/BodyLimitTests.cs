using System.Text;
using AiPlatform.Contracts;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Postgres;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace AiPlatform.Tests.Functions.Core;

/// <summary>Bodies whose length nobody said.</summary>
public sealed class BodyLimitTests : IDisposable
{
    private readonly DefaultHttpContext _context = new();
    private Stream? _sent;

    public BodyLimitTests()
    {
        _context.Features.Set<IHttpMaxRequestBodySizeFeature>(new Limit { MaxRequestBodySize = 10 });
        _context.Features.Set<IHttpRequestBodyDetectionFeature>(new HasBody());
    }

    public void Dispose() => _sent?.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(9)]
    [InlineData(10)]
    public async Task One_that_is_not_too_large_is_read_whole(int length)
    {
        var text = new string('x', length);
        Assert.Equal(text, await ReadAsync(text, static request => new StreamReader(request.Body).ReadToEndAsync()));
        Assert.Equal(0, (await AfterwardsAsync()).Length);
    }

    [Fact]
    public async Task One_that_is_too_large_is_refused_and_read_to_its_end()
    {
        var refused = await Assert.ThrowsAsync<ApiException>(() => ReadAsync(new string('x', 500_000), static request => new StreamReader(request.Body).ReadToEndAsync()));
        Assert.Equal(ErrorCodes.PayloadTooLarge, refused.Code);
        Assert.Equal(0, (await AfterwardsAsync()).Length);
    }

    [Fact]
    public async Task What_was_looked_at_and_left_is_there_for_who_reads_the_stream()
        => Assert.Equal("0123456789", await ReadAsync("0123456789", static async request =>
        {
            var seen = await request.BodyReader.ReadAtLeastAsync(10);
            request.BodyReader.AdvanceTo(seen.Buffer.Start);
            return await new StreamReader(request.Body).ReadToEndAsync();
        }));

    [Fact]
    public async Task A_stream_in_its_place_is_what_the_reader_reads()
        => Assert.Equal("twice twice", await ReadAsync("twice", static async request =>
        {
            request.EnableBuffering();
            var first = await new StreamReader(request.Body).ReadToEndAsync();
            request.Body.Position = 0;
            var second = await request.BodyReader.ReadAtLeastAsync(5);
            return $"{first} {Encoding.ASCII.GetString(second.Buffer.FirstSpan)}";
        }));

    private async Task<string> ReadAsync(string body, Func<HttpRequest, Task<string>> readAsync)
    {
        _context.Request.Body = _sent = new MemoryStream(Encoding.ASCII.GetBytes(body));
        var read = string.Empty;
        await new BodyLimit(async context => read = await readAsync(context.Request)).InvokeAsync(_context);
        return read;
    }

    private async Task<string> AfterwardsAsync() => await new StreamReader(_sent!).ReadToEndAsync();

    private sealed class Limit : IHttpMaxRequestBodySizeFeature
    {
        public bool IsReadOnly => false;

        public long? MaxRequestBodySize { get; set; }
    }

    private sealed class HasBody : IHttpRequestBodyDetectionFeature
    {
        public bool CanHaveBody => true;
    }
}
