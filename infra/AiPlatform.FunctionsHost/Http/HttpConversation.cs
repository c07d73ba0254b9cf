using System.Globalization;
using AiPlatform.FunctionsHost.App;
using AiPlatform.FunctionsHost.Rpc;
using Google.Protobuf;
using Microsoft.AspNetCore.Http.Extensions;

namespace AiPlatform.FunctionsHost.Http;

/// <summary>HTTP for workers that take no requests by themselves: request and answer are part of the conversation.</summary>
internal static class HttpConversation
{
    private const string ReturnValue = "$return";

    /// <summary>The request as the trigger's data.</summary>
    public static async Task<ParameterBinding> TriggerAsync(HttpContext context, RouteMatch match, CancellationToken cancellationToken)
    {
        var request = context.Request;
        var http = new RpcHttp { Method = request.Method, Url = request.GetDisplayUrl() };
        foreach (var (name, value) in request.Headers)
        {
            http.Headers[name] = value.ToString();
        }

        foreach (var (name, value) in request.Query)
        {
            http.Query[name] = value.ToString();
        }

        foreach (var (name, value) in match.Values)
        {
            http.Params[name] = value as string ?? string.Empty;
        }

        foreach (var (name, value) in request.Cookies)
        {
            http.Cookies.Add(new RpcHttpCookie { Name = name, Value = value });
        }

        var body = await ByteString.FromStreamAsync(request.Body, cancellationToken);
        if (!body.IsEmpty)
        {
            http.Body = new TypedData { Bytes = body };
        }

        return new ParameterBinding { Name = match.Function.Trigger.Name, Data = new TypedData { Http = http } };
    }

    /// <summary>Writes the answer: what the function returned, or its HTTP output.</summary>
    public static async Task AnswerAsync(HttpContext context, InvocationResponse result, CancellationToken cancellationToken)
    {
        var data = result.ReturnValue ?? result.OutputData.FirstOrDefault(static output => output.Name == ReturnValue)?.Data
            ?? result.OutputData.FirstOrDefault(static output => output.Data?.DataCase == TypedData.DataOneofCase.Http)?.Data;
        if (data?.Http is not { } http)
        {
            context.Response.StatusCode = data is null ? StatusCodes.Status204NoContent : StatusCodes.Status200OK;
            await WriteAsync(context, data, cancellationToken);
            return;
        }

        context.Response.StatusCode = int.TryParse(http.StatusCode, CultureInfo.InvariantCulture, out var status) ? status : StatusCodes.Status200OK;
        foreach (var (name, value) in http.Headers)
        {
            context.Response.Headers[name] = value;
        }

        foreach (var cookie in http.Cookies)
        {
            context.Response.Cookies.Append(cookie.Name, cookie.Value);
        }

        await WriteAsync(context, http.Body, cancellationToken);
    }

    private static async Task WriteAsync(HttpContext context, TypedData? data, CancellationToken cancellationToken)
    {
        var bytes = data?.DataCase switch
        {
            TypedData.DataOneofCase.Bytes => data.Bytes,
            TypedData.DataOneofCase.Stream => data.Stream,
            TypedData.DataOneofCase.String => ByteString.CopyFromUtf8(data.String),
            TypedData.DataOneofCase.Json => ByteString.CopyFromUtf8(data.Json),
            TypedData.DataOneofCase.Int => ByteString.CopyFromUtf8(data.Int.ToString(CultureInfo.InvariantCulture)),
            TypedData.DataOneofCase.Double => ByteString.CopyFromUtf8(data.Double.ToString(CultureInfo.InvariantCulture)),
            _ => ByteString.Empty,
        };
        if (!bytes.IsEmpty)
        {
            await context.Response.Body.WriteAsync(bytes.Memory, cancellationToken);
        }
    }
}
