using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace AiPlatform.Tests.Client;

/// <summary>
/// An HTTP server that gives prepared answers in turn and keeps what it was asked: it stands for an API that fails in
/// ways in which the real one cannot be made to fail on demand.
/// </summary>
internal sealed class ScriptedApi : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Queue<Func<HttpContext, Task>> _answers = new();

    private ScriptedApi(WebApplication app) => _app = app;

    public List<(string Method, string Path, IHeaderDictionary Headers, string Body)> Requests { get; } = [];

    public HttpClient Http { get; private set; } = null!;

    public static async Task<ScriptedApi> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var api = new ScriptedApi(app);
        app.Run(api.HandleAsync);
        await app.StartAsync();
        api.Http = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };
        return api;
    }

    public ScriptedApi Answer(HttpStatusCode status, string body = "{}", string contentType = "application/json")
    {
        _answers.Enqueue(async context =>
        {
            context.Response.StatusCode = (int)status;
            context.Response.ContentType = contentType;
            await context.Response.WriteAsync(body);
        });
        return this;
    }

    public ScriptedApi Drop()
    {
        _answers.Enqueue(static context =>
        {
            context.Abort();
            return Task.CompletedTask;
        });
        return this;
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _app.DisposeAsync();
    }

    private async Task HandleAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var body = await reader.ReadToEndAsync();
        lock (Requests)
        {
            Requests.Add((context.Request.Method, context.Request.Path + context.Request.QueryString, new HeaderDictionary(context.Request.Headers.ToDictionary()), body));
        }

        await _answers.Dequeue()(context);
    }
}
