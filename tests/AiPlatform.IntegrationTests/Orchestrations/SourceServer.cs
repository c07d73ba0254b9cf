using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace AiPlatform.IntegrationTests.Orchestrations;

/// <summary>A server that people import from: it can break off in the middle, redirect, and change its file.</summary>
internal sealed class SourceServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Dictionary<string, byte[]> _files = new(StringComparer.Ordinal);
    private int _breaks;

    private SourceServer(WebApplication app) => _app = app;

    /// <summary>Where it listens.</summary>
    public Uri Address => new(_app.Urls.First());

    /// <summary>The first byte that each request asked for.</summary>
    public List<long> Starts { get; } = [];

    public static async Task<SourceServer> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var server = new SourceServer(app);
        app.MapGet("/redirect/{name}", (string name) => Results.Redirect($"/files/{name}"));
        app.MapGet("/inwards", () => Results.Redirect("http://localhost:1/"));
        app.MapGet("/files/{name}", server.SendAsync);
        app.MapGet("/hang/{name}", async (HttpContext context) =>
        {
            context.Response.ContentLength = 1 << 20;
            await context.Response.StartAsync();
            await Task.Delay(Timeout.InfiniteTimeSpan, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        });
        await app.StartAsync();
        return server;
    }

    public string Add(string name, byte[] content)
    {
        _files[name] = content;
        return new Uri(Address, $"/files/{name}").ToString();
    }

    /// <summary>The next answers end after nine mebibytes, without a word.</summary>
    public void Break(int answers) => _breaks = answers;

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task SendAsync(string name, HttpContext context)
    {
        if (!_files.TryGetValue(name, out var content))
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        var tag = $"\"{Convert.ToHexString(SHA256.HashData(content))[..16]}\"";
        var range = context.Request.GetTypedHeaders().Range?.Ranges.First();
        var condition = context.Request.Headers.IfRange.ToString();
        var same = condition.Length == 0 || condition == tag;
        var start = range is not null && same ? range.From ?? 0 : 0;
        lock (Starts)
        {
            Starts.Add(start);
        }

        var response = context.Response;
        response.Headers.ETag = tag;
        response.Headers.AcceptRanges = "bytes";
        if (start > 0)
        {
            response.StatusCode = StatusCodes.Status206PartialContent;
            response.Headers.ContentRange = new ContentRangeHeaderValue(start, content.Length - 1, content.Length).ToString();
        }

        response.ContentLength = content.Length - start;
        if (_breaks > 0)
        {
            _breaks--;
            await response.Body.WriteAsync(content.AsMemory((int)start, Math.Min(9 << 20, content.Length - (int)start)));

            // Too little for the length that was promised: the server closes. A reset would take along what the client has not read yet.
            return;
        }

        await response.Body.WriteAsync(content.AsMemory((int)start));
    }
}
