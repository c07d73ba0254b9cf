using System.Diagnostics;
using System.Net;
using AiPlatform.FunctionsHost.App;
using AiPlatform.FunctionsHost.Rpc;
using AiPlatform.FunctionsHost.Workers;
using Microsoft.Extensions.Options;
using Yarp.ReverseProxy.Forwarder;

namespace AiPlatform.FunctionsHost.Http;

/// <summary>Serves HTTP: finds the function, invokes it, and passes the request on to the worker at the same time.</summary>
internal sealed partial class InvocationForwarder(
    FunctionApp app, CurrentWorker workers, IHttpForwarder forwarder, HttpDrain drain, IOptions<FunctionsHostOptions> options, ILogger<InvocationForwarder> logger)
    : IDisposable
{
    private readonly InvocationTransformer _transformer = new();
    private readonly ForwarderRequestConfig _config = new() { ActivityTimeout = options.Value.HttpIdleTimeout };
    private readonly HttpMessageInvoker _client = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        UseCookies = false,
        UseProxy = false,
        ConnectTimeout = TimeSpan.FromSeconds(5),

        // What the client sent about its trace reaches the worker as it is.
        ActivityHeadersPropagator = new ReverseProxyPropagator(DistributedContextPropagator.Current),
    });

    /// <summary>Serves one request.</summary>
    public async Task InvokeAsync(HttpContext context)
    {
        if (await workers.FindAsync(context.RequestAborted) is not { } worker)
        {
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            context.Response.Headers.RetryAfter = "1";
            return;
        }

        if (worker.Routes.Match(context) is not { } match)
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        if (context.Request.ContentLength > options.Value.MaxRequestBodyBytes)
        {
            context.Response.StatusCode = StatusCodes.Status413PayloadTooLarge;
            return;
        }

        var id = Guid.NewGuid().ToString();
        var request = Request(id, match, context.Request.Headers);
        if (worker.HttpAddress is { } address)
        {
            await ForwardAsync(context, worker.Channel, address, match.Function, request);
        }
        else
        {
            await ConverseAsync(context, worker.Channel, match, request);
        }
    }

    /// <inheritdoc />
    public void Dispose() => _client.Dispose();

    private static InvocationRequest Request(string id, RouteMatch match, IHeaderDictionary headers)
    {
        var request = new InvocationRequest { InvocationId = id, FunctionId = match.Function.Id, TraceContext = new RpcTraceContext() };
        if (headers.TraceParent is [{ Length: > 0 } parent])
        {
            request.TraceContext.TraceParent = parent;
            request.TraceContext.TraceState = headers.TraceState.ToString();
        }

        foreach (var (name, value) in match.Values)
        {
            request.TriggerMetadata.Add(name, new TypedData { String = value as string ?? string.Empty });
        }

        return request;
    }

    private async Task ForwardAsync(HttpContext context, WorkerChannel channel, string address, FunctionDescription function, InvocationRequest request)
    {
        using var limit = Limit(context);
        var invocation = new HttpInvocation(request.InvocationId, channel.InvokeAsync(request));
        context.Features.Set(invocation);
        var error = await forwarder.SendAsync(context, address, _client, _config, _transformer, limit.Token);
        if (error != ForwarderError.None)
        {
            // Without its request the invocation would wait.
            channel.Cancel(invocation.Id);
            BlameClient(context);
        }

        // A caller that went away, and one that sent what no host takes, are no failures of the function.
        if (await invocation.HasFailedAsync() && !context.RequestAborted.IsCancellationRequested && !(error != ForwarderError.None && IsClientError(context)))
        {
            LogFailed(logger, function.Name, invocation.Id, error, await ReasonAsync(invocation));
            Fail(context);
        }
    }

    // The request's own end is watched by the forwarder.
    private CancellationTokenSource Limit(HttpContext context)
    {
        var limit = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, drain.Expired);
        if (app.FunctionTimeout is { } timeout)
        {
            limit.CancelAfter(timeout);
        }

        return limit;
    }

    private async Task ConverseAsync(HttpContext context, WorkerChannel channel, RouteMatch match, InvocationRequest request)
    {
        using var limit = Limit(context);
        request.InputData.Add(await HttpConversation.TriggerAsync(context, match, limit.Token));
        using var cancel = limit.Token.Register(() => channel.Cancel(request.InvocationId));
        var result = await Answer(channel.InvokeAsync(request));
        if (result?.Result?.Status == StatusResult.Types.Status.Success)
        {
            await HttpConversation.AnswerAsync(context, result, context.RequestAborted);
            return;
        }

        LogFailed(logger, match.Function.Name, request.InvocationId, ForwarderError.None, result?.Result?.Exception?.Message ?? "The worker has ended.");
        Fail(context);
    }

    private static async Task<InvocationResponse?> Answer(Task<InvocationResponse> invocation)
    {
        try
        {
            return await invocation;
        }
        catch (WorkerLostException)
        {
            return null;
        }
    }

    private static async Task<string> ReasonAsync(HttpInvocation invocation)
        => invocation.Result.IsCompleted ? (await Answer(invocation.Result))?.Result?.Exception?.Message ?? "The worker has ended." : "It has not ended.";

    private static bool IsClientError(HttpContext context) => context.Response.StatusCode is >= 400 and < 500;

    // What the client sent was more than this host takes, or no HTTP: no failure of the worker's.
    private static void BlameClient(HttpContext context)
    {
        for (var cause = context.GetForwarderErrorFeature()?.Exception; cause is not null; cause = cause.InnerException)
        {
            if (cause is BadHttpRequestException bad && !context.Response.HasStarted)
            {
                context.Response.StatusCode = bad.StatusCode;
            }
        }
    }

    // An answer that has begun cannot say that it failed: a broken connection does.
    private static void Fail(HttpContext context)
    {
        if (context.Response.HasStarted)
        {
            context.Abort();
        }
        else if (context.Response.StatusCode < StatusCodes.Status500InternalServerError)
        {
            context.Response.StatusCode = StatusCodes.Status500InternalServerError;
        }
    }

    [LoggerMessage(10, LogLevel.Error, "{Function} failed in the invocation {Invocation} (forwarding: {Error}): {Reason}")]
    private static partial void LogFailed(ILogger logger, string function, string invocation, ForwarderError error, string reason);
}
