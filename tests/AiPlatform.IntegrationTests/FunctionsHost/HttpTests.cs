using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;

namespace AiPlatform.IntegrationTests.FunctionsHost;

/// <summary>HTTP through the embedded Functions host to an app that knows nothing of it.</summary>
public sealed class HttpTests(SampleAppFixture sample) : IClassFixture<SampleAppFixture>
{
    private HttpClient Client => sample.Client;

    [Fact]
    public async Task A_route_s_parameters_reach_the_method_and_its_constraints_count()
    {
        Assert.Equal("hello ada ada ?x=1", await Client.GetStringAsync("/api/hello/ada?x=1"));
        Assert.Equal("all GET /api/hello/1815", await Client.GetStringAsync("/api/hello/1815"));
    }

    // Functions in the order of their names; a method that one does not take leaves the request to the next.
    [Theory]
    [InlineData("POST", "/api/hello/ada", "all POST /api/hello/ada")]
    [InlineData("GET", "/api/count", "all GET /api/count")]
    [InlineData("DELETE", "/api/anything/at/all", "all DELETE /api/anything/at/all")]
    public async Task The_first_function_by_name_that_fits_serves(string method, string path, string answer)
    {
        using var response = await Client.SendAsync(new HttpRequestMessage(new HttpMethod(method), path));
        Assert.Equal(answer, await response.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("/hello/ada")]
    [InlineData("/")]
    [InlineData("/admin/host/status")]
    [InlineData("/runtime/webhooks/durabletask/instances")]
    public async Task What_is_not_below_the_prefix_or_is_the_host_s_own_is_not_found(string path)
        => Assert.Equal(HttpStatusCode.NotFound, (await Client.GetAsync(path)).StatusCode);

    [Fact]
    public async Task Who_calls_is_what_the_host_sees_and_not_what_the_client_says()
    {
        var request = new HttpRequestMessage(HttpMethod.Get, "/api/caller");
        request.Headers.Host = "functions.example";
        request.Headers.Add("X-Forwarded-For", "203.0.113.7");
        request.Headers.Add("X-Forwarded-Host", "evil.example");
        request.Headers.Add("X-Forwarded-Proto", "https");
        request.Headers.Add("x-ms-invocation-id", "of-somebody-else");
        request.Headers.Add("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");

        using var response = await Client.SendAsync(request).WaitAsync(TimeSpan.FromSeconds(4));

        var caller = await response.Content.ReadAsStringAsync();
        Assert.Contains("host=functions.example", caller, StringComparison.Ordinal);
        Assert.Contains("scheme=http\n", caller, StringComparison.Ordinal);
        Assert.Contains("remote=127.0.0.1", caller, StringComparison.Ordinal);
        Assert.DoesNotContain("203.0.113.7", caller, StringComparison.Ordinal);
        Assert.DoesNotContain("evil.example", caller, StringComparison.Ordinal);
        Assert.DoesNotContain("of-somebody-else", caller, StringComparison.Ordinal);
        Assert.Contains("00-0af7651916cd43dd8448eb211c80319c", caller, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("POST")]
    [InlineData("HEAD")]
    public async Task A_function_that_fails_before_it_writes_is_a_500_and_no_empty_success(string method)
    {
        using var response = await Client.SendAsync(new HttpRequestMessage(new HttpMethod(method), "/api/boom"));
        Assert.Equal(HttpStatusCode.InternalServerError, response.StatusCode);
        Assert.Equal(string.Empty, await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_function_that_fails_after_it_has_written_breaks_the_answer_off()
    {
        // The break may overtake the beginning: whole is what the answer must not look.
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => Client.GetStringAsync("/api/boom-late"));
    }

    [Theory]
    [InlineData(200)]
    [InlineData(204)]
    [InlineData(304)]
    [InlineData(404)]
    [InlineData(503)]
    public async Task An_empty_answer_passes_as_it_is(int status)
        => Assert.Equal(status, (int)(await Client.GetAsync($"/api/status/{status}")).StatusCode);

    [Fact]
    public async Task A_range_is_answered_by_the_range()
    {
        var request = new HttpRequestMessage(HttpMethod.Get, "/api/file") { Headers = { Range = new RangeHeaderValue(100, 109) } };
        using var response = await Client.SendAsync(request);
        Assert.Equal(HttpStatusCode.PartialContent, response.StatusCode);
        Assert.Equal("bytes 100-109/1000", response.Content.Headers.ContentRange!.ToString());
        Assert.Equal(Enumerable.Range(100, 10).Select(static index => (byte)index), await response.Content.ReadAsByteArrayAsync());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_hundred_megabytes_pass_with_and_without_a_length(bool chunked)
    {
        const int length = 100_000_000;
        using var content = new StreamContent(new ZeroStream(length));
        content.Headers.ContentLength = chunked ? null : length;
        var request = new HttpRequestMessage(HttpMethod.Post, "/api/count") { Content = content, Headers = { TransferEncodingChunked = chunked } };
        using var response = await Client.SendAsync(request);
        Assert.Equal("100000000", await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task More_than_the_host_takes_is_too_large()
    {
        using var content = new ByteArrayContent([]);
        content.Headers.ContentLength = 104_857_601;
        var request = new HttpRequestMessage(HttpMethod.Post, "/api/count") { Content = content, Headers = { ExpectContinue = true } };
        using var response = await Client.SendAsync(request);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
    }

    [Fact]
    public async Task A_chunked_body_that_grows_too_large_is_refused_and_the_next_request_served()
    {
        using (var content = new StreamContent(new ZeroStream(110_000_000)))
        {
            var request = new HttpRequestMessage(HttpMethod.Post, "/api/count") { Content = content, Headers = { TransferEncodingChunked = true } };

            // The answer comes while the client sends: it sees the answer, or that the connection is closed.
            var outcome = await Record.ExceptionAsync(async () => Assert.Equal(HttpStatusCode.RequestEntityTooLarge, (await Client.SendAsync(request)).StatusCode));
            Assert.True(outcome is null or HttpRequestException, $"{outcome}");
        }

        Assert.Equal("hello ada ada ", await Client.GetStringAsync("/api/hello/ada"));
    }

    [Fact]
    public async Task Events_come_one_by_one_and_a_caller_that_goes_ends_the_function()
    {
        using (var response = await Client.GetAsync("/api/events", HttpCompletionOption.ResponseHeadersRead))
        {
            using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
            Assert.Equal("data: 0", await reader.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(3)));
            Assert.Equal("", await reader.ReadLineAsync());
            Assert.Equal("data: 1", await reader.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(3)));
        }

        await sample.Host.UntilAsync(() => sample.Host.Lines.Contains("events ended: aborted True cancelled True"), "the function has ended");
    }

    [Fact]
    public async Task A_function_that_takes_longer_than_host_json_allows_is_ended()
    {
        using var response = await Client.GetAsync("/api/slow/20000").WaitAsync(TimeSpan.FromSeconds(12));
        Assert.True((int)response.StatusCode >= 500, $"{response.StatusCode}");
    }

    [Fact]
    public async Task Requests_at_the_same_time_are_not_mixed_up()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 300).Select(async index =>
        {
            var name = new string((char)('a' + (index % 26)), 1 + (index / 26));
            return (name, answer: await Client.GetStringAsync($"/api/hello/{name}"));
        }));
        Assert.All(answers, static pair => Assert.Equal($"hello {pair.name} {pair.name} ", pair.answer));
    }

    [Fact]
    public async Task What_is_no_http_harms_nobody()
    {
        using (var socket = new TcpClient())
        {
            await socket.ConnectAsync(sample.Host.Address.Host, sample.Host.Address.Port);
            await socket.GetStream().WriteAsync(Encoding.ASCII.GetBytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n nonsense"));
        }

        Assert.Equal("hello ada ada ", await Client.GetStringAsync("/api/hello/ada"));
    }

    [Fact]
    public async Task The_worker_s_own_model_of_requests_is_served_too()
    {
        using var response = await Client.PostAsync(new Uri("/api/data/7?q=x", UriKind.Relative), new StringContent("body"));
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        Assert.Equal("POST 7 x body", await response.Content.ReadAsStringAsync());
    }

    private sealed class ZeroStream(long length) : Stream
    {
        private long _position;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => _position;
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count)
        {
            var read = (int)Math.Min(count, length - _position);
            Array.Clear(buffer, offset, read);
            _position += read;
            return read;
        }

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
