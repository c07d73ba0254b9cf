using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;

namespace AiPlatform.SampleFunctions;

/// <summary>What HTTP functions do in one way or another.</summary>
public static class HttpFunctions
{
    /// <summary>Says what the route says.</summary>
    [Function("hello")]
    public static async Task HelloAsync([HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "hello/{name:alpha}")] HttpRequest request, string name)
        => await request.HttpContext.Response.WriteAsync($"hello {name} {request.RouteValues["name"]} {request.QueryString}", request.HttpContext.RequestAborted);

    /// <summary>Takes what no other function takes.</summary>
    [Function("zz-all")]
    public static async Task AllAsync([HttpTrigger(AuthorizationLevel.Anonymous, Route = "{*rest}")] HttpRequest request)
        => await request.HttpContext.Response.WriteAsync($"all {request.Method} {request.Path}", request.HttpContext.RequestAborted);

    /// <summary>Counts the bytes of the body.</summary>
    [Function("count")]
    public static async Task CountAsync([HttpTrigger(AuthorizationLevel.Anonymous, "post")] HttpRequest request)
    {
        var buffer = new byte[64 * 1024];
        long bytes = 0;
        for (int read; (read = await request.Body.ReadAsync(buffer, request.HttpContext.RequestAborted)) > 0;)
        {
            bytes += read;
        }

        await request.HttpContext.Response.WriteAsync(bytes.ToString(CultureInfo.InvariantCulture), request.HttpContext.RequestAborted);
    }

    /// <summary>Says who called, as far as the app can tell.</summary>
    [Function("caller")]
    public static async Task CallerAsync([HttpTrigger(AuthorizationLevel.Anonymous, "get")] HttpRequest request)
    {
        var lines = request.Headers.Select(static header => $"{header.Key}: {header.Value}")
            .Append($"host={request.Host}").Append($"scheme={request.Scheme}").Append($"remote={request.HttpContext.Connection.RemoteIpAddress}");
        await request.HttpContext.Response.WriteAsync(string.Join('\n', lines), request.HttpContext.RequestAborted);
    }

    /// <summary>Fails before it writes anything.</summary>
    [Function("boom")]
    public static IResult Boom([HttpTrigger(AuthorizationLevel.Anonymous)] HttpRequest request)
        => throw new InvalidOperationException($"boom {request.Method}");

    /// <summary>Fails after it has written something.</summary>
    [Function("boom-late")]
    public static async Task BoomLateAsync([HttpTrigger(AuthorizationLevel.Anonymous, "get")] HttpRequest request)
    {
        await request.HttpContext.Response.WriteAsync("half of it", request.HttpContext.RequestAborted);
        await request.HttpContext.Response.Body.FlushAsync(request.HttpContext.RequestAborted);
        throw new InvalidOperationException("boom late");
    }

    /// <summary>Answers a status and nothing else.</summary>
    [Function("status")]
    public static void Status([HttpTrigger(AuthorizationLevel.Anonymous, Route = "status/{code:int}")] HttpRequest request, int code)
        => request.HttpContext.Response.StatusCode = code;

    /// <summary>Serves a thousand bytes, or a range of them.</summary>
    [Function("file")]
    public static async Task FileAsync([HttpTrigger(AuthorizationLevel.Anonymous, "get")] HttpRequest request)
        => await Results.File([.. Enumerable.Range(0, 1000).Select(static index => (byte)index)], "application/octet-stream", enableRangeProcessing: true)
            .ExecuteAsync(request.HttpContext);

    /// <summary>Sends events until the caller goes, and says so.</summary>
    [Function("events")]
    public static async Task EventsAsync([HttpTrigger(AuthorizationLevel.Anonymous, "get")] HttpRequest request, FunctionContext context)
    {
        var response = request.HttpContext.Response;
        response.ContentType = "text/event-stream";
        try
        {
            for (var i = 0; ; i++)
            {
                await response.WriteAsync($"data: {i}\n\n", request.HttpContext.RequestAborted);
                await response.Body.FlushAsync(request.HttpContext.RequestAborted);
                await Task.Delay(200, request.HttpContext.RequestAborted);
            }
        }
        catch (OperationCanceledException)
        {
            await Task.Delay(TimeSpan.FromSeconds(5), context.CancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            Console.WriteLine($"events ended: aborted {request.HttpContext.RequestAborted.IsCancellationRequested} cancelled {context.CancellationToken.IsCancellationRequested}");
        }
    }

    /// <summary>Takes a while.</summary>
    [Function("slow")]
    public static async Task SlowAsync([HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "slow/{milliseconds:int}")] HttpRequest request, int milliseconds)
    {
        Console.WriteLine("slow begins");
        await Task.Delay(milliseconds, request.HttpContext.RequestAborted);
        await request.HttpContext.Response.WriteAsync("slept", request.HttpContext.RequestAborted);
    }

    /// <summary>Ends the process at once.</summary>
    [Function("crash")]
    public static void Crash([HttpTrigger(AuthorizationLevel.Anonymous, "post")] HttpRequest request) => Environment.Exit(request.Query.ContainsKey("code") ? 3 : 1);
}
