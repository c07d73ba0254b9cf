using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Operations.Lineage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace AiPlatform.IntegrationTests.Functions.Operations.Lineage;

/// <summary>A receiver that checks what it gets against the published rules and answers as told.</summary>
internal sealed class LineageReceiverServer : IAsyncDisposable
{
    private readonly WebApplication _app = WebApplication.CreateSlimBuilder(["--urls=http://127.0.0.1:0", "--Logging:LogLevel:Default=Error"]).Build();
    private readonly ConcurrentQueue<ReceivedEvent> _received = new();

    public HttpStatusCode Answer { get; set; } = HttpStatusCode.Created;

    /// <summary>How long it takes until it looks at an event.</summary>
    public TimeSpan Pause { get; set; }

    public string Url => $"{_app.Urls.First()}/api/v1/lineage";

    public IReadOnlyList<ReceivedEvent> Received => [.. _received];

    public static async Task<LineageReceiverServer> StartAsync()
    {
        var server = new LineageReceiverServer();
        server._app.MapPost("/api/v1/lineage", server.ReceiveAsync);
        await server._app.StartAsync();
        return server;
    }

    /// <summary>The first two events.</summary>
    public async Task<(ReceivedEvent First, ReceivedEvent Second)> TwoAsync()
    {
        await Eventually.TrueAsync(() => Task.FromResult(_received.Count >= 2), "two events have come");
        Assert.Equal(2, Received.Count);
        return (Received[0], Received[1]);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task ReceiveAsync(HttpContext context)
    {
        await Task.Delay(Pause, context.RequestAborted);
        using var reader = new StreamReader(context.Request.Body);
        var text = await reader.ReadToEndAsync();
        string Header(string name) => context.Request.Headers[name].ToString();
        _received.Enqueue(new ReceivedEvent(
            Header("webhook-id"), Header("webhook-timestamp"), Header("webhook-signature"), Header("Authorization"), text, OpenLineageCheck.Read(JsonElement.Parse(text))));
        context.Response.StatusCode = (int)Answer;
    }
}

/// <summary>An event as it came.</summary>
internal sealed record ReceivedEvent(string Id, string Timestamp, string Signature, string Authorization, string Text, OpenLineageEvent Checked);
