using System.Net;
using Microsoft.AspNetCore.Http.Features;
using Yarp.ReverseProxy.Forwarder;

namespace AiPlatform.FunctionsHost.Http;

/// <summary>What a request carries to the worker, and whether an answer is one.</summary>
internal sealed class InvocationTransformer : HttpTransformer
{
    private const string ForwardedFor = "X-Forwarded-For";
    private const string ForwardedHost = "X-Forwarded-Host";
    private const string ForwardedProto = "X-Forwarded-Proto";
    private static readonly string[] Forwarded = [ForwardedFor, ForwardedHost, ForwardedProto, "X-Forwarded-Prefix", "Forwarded", HttpInvocation.Header];

    /// <inheritdoc />
    public override async ValueTask TransformRequestAsync(
        HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
    {
        await base.TransformRequestAsync(httpContext, proxyRequest, destinationPrefix, cancellationToken);
        var headers = proxyRequest.Headers;

        // A client's own words about where it comes from, and which invocation it is, count for nothing.
        foreach (var name in Forwarded)
        {
            headers.Remove(name);
        }

        headers.Host = null;
        headers.TryAddWithoutValidation(ForwardedFor, httpContext.Connection.RemoteIpAddress?.ToString());
        headers.TryAddWithoutValidation(ForwardedHost, httpContext.Request.Host.ToUriComponent());
        headers.TryAddWithoutValidation(ForwardedProto, httpContext.Request.Scheme);
        headers.TryAddWithoutValidation(HttpInvocation.Header, httpContext.Features.GetRequiredFeature<HttpInvocation>().Id);
    }

    /// <summary>A function that failed before it wrote anything has an empty answer that looks like success: the invocation's result tells them apart.</summary>
    public override async ValueTask<bool> TransformResponseAsync(HttpContext httpContext, HttpResponseMessage? proxyResponse, CancellationToken cancellationToken)
    {
        if (proxyResponse is not null && IsEmpty(httpContext, proxyResponse) && await httpContext.Features.GetRequiredFeature<HttpInvocation>().HasFailedAsync())
        {
            httpContext.Response.StatusCode = StatusCodes.Status500InternalServerError;
            return false;
        }

        return await base.TransformResponseAsync(httpContext, proxyResponse, cancellationToken);
    }

    private static bool IsEmpty(HttpContext context, HttpResponseMessage answer)
        => answer.StatusCode < HttpStatusCode.InternalServerError
            && (answer.Content.Headers.ContentLength is 0
                || (answer.Content.Headers.ContentLength is null && answer.Headers.TransferEncodingChunked is not true)
                || HttpMethods.IsHead(context.Request.Method));
}
