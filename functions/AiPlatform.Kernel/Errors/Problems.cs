using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using AiPlatform.Contracts;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Texts;
using Azure;
using Grpc.Core;
using Npgsql;

namespace AiPlatform.Kernel.Errors;

/// <summary>The one mapping from exceptions and bare statuses to RFC 9457 answers. Nothing internal leaves the process.</summary>
public sealed partial class Problems(RequestDelegate next, ILogger<Problems> logger)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Runs the rest of the pipeline and turns what goes wrong into a problem answer.</summary>
    public async Task InvokeAsync(HttpContext context)
    {
        RequestLanguage.Set(context.Request);
        try
        {
            await next(context);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The caller went away: there is nobody to answer.
            context.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
            return;
        }
        catch (Exception exception) when (!context.Response.HasStarted)
        {
            await WriteAsync(context, Translate(exception, context));
            return;
        }

        if (context.Response is { HasStarted: false, StatusCode: >= 400, ContentType: null, ContentLength: null } response
            && response.StatusCode != StatusCodes.Status499ClientClosedRequest)
        {
            var problem = response.StatusCode == StatusCodes.Status400BadRequest && UnreadableParameter.Find(context) is { } parameter
                ? ExpectedShape.Wrong(parameter.Name, parameter.Type, "json.string")
                : new ApiException(ErrorCatalog.CodeOf(response.StatusCode));
            await WriteAsync(context, problem, response.StatusCode);
        }
    }

    /// <summary>Writes one problem answer.</summary>
    public static Task WriteAsync(HttpContext context, ApiException problem, int? status = null)
    {
        if (context.Features.Get<IErrorAnswer>() is { } shape)
        {
            return shape.WriteAsync(context, problem);
        }

        var chinese = ErrorCatalog.PrefersChinese(context.Request);
        var detail = ErrorCatalog.Detail(problem.Code, problem.Arguments, chinese);
        var code = status ?? ErrorCatalog.StatusOf(problem.Code);
        var response = context.Response;
        response.StatusCode = code;
        response.Headers.ContentLanguage = chinese ? "zh-CN" : "en";
        if (problem.RetryAfterSeconds is { } seconds)
        {
            response.Headers.RetryAfter = seconds.ToString(System.Globalization.CultureInfo.InvariantCulture);
        }

        return response.WriteAsJsonAsync(
            new ProblemBody(
                $"urn:aiplatform:error:{problem.Code}",
                ErrorCatalog.Title(problem.Code, chinese),
                code,
                detail,
                problem.Code,
                problem.Field is { } field ? new Dictionary<string, string[]>(StringComparer.Ordinal) { [field] = [detail ?? problem.Code] } : null,
                Activity.Current?.TraceId.ToString() ?? context.TraceIdentifier),
            Json,
            "application/problem+json",
            context.RequestAborted);
    }

    private ApiException Translate(Exception exception, HttpContext context)
    {
        switch (exception)
        {
            case ApiException api:
                return api;
            case BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge }:
                return new ApiException(ErrorCodes.PayloadTooLarge);
            case BadHttpRequestException { StatusCode: StatusCodes.Status415UnsupportedMediaType }:
                return new ApiException(ErrorCodes.UnsupportedMediaType);
            case IOException { InnerException: OverflowException }:
                // How the server says that the length of a chunk is no length.
                return new ApiException(ErrorCodes.InvalidRequest, "malformed");
            case BadHttpRequestException { InnerException: JsonException json }:
                return FromJson(json);
            case JsonException json:
                return FromJson(json);
            case BadHttpRequestException bad when bad.Message.Contains("no body was provided", StringComparison.Ordinal):
                return new ApiException(ErrorCodes.InvalidRequest, "noBody");
            case BadHttpRequestException bad:
                return ParameterName().Match(bad.Message) is { Success: true } match
                    ? bad.Message.Contains("was not provided", StringComparison.Ordinal)
                        ? ApiException.Invalid(match.Groups["name"].Value, "required")
                        : ExpectedShape.OfParameter(match.Groups["name"].Value, match.Groups["type"].Value)
                    : new ApiException(ErrorCodes.InvalidRequest, "malformed");
            case NpgsqlException npgsql when Database.IsUnavailable(npgsql):
                LogUnavailable(logger, npgsql.GetType().Name, npgsql.SqlState);
                return new ApiException(ErrorCodes.Unavailable) { RetryAfterSeconds = 1 };
            case RpcException { StatusCode: StatusCode.Unavailable or StatusCode.DeadlineExceeded or StatusCode.ResourceExhausted } rpc:
                LogHubUnavailable(logger, rpc.StatusCode);
                return new ApiException(ErrorCodes.Unavailable) { RetryAfterSeconds = 1 };
            case RequestFailedException or AggregateException when StoreFailure(exception) is { } store:
                LogStoreUnavailable(logger, store.Status, store.ErrorCode);
                return new ApiException(ErrorCodes.Unavailable) { RetryAfterSeconds = 1 };
            case NotSupportedException:
                return new ApiException(ErrorCodes.NotImplemented);
            default:
                LogUnexpected(logger, exception, context.Request.Method, context.GetEndpoint()?.DisplayName ?? "no endpoint");
                return new ApiException(ErrorCodes.Internal);
        }
    }

    // The store is away, overloaded or full, after the client's own repeats; null when it is something else.
    private static RequestFailedException? StoreFailure(Exception exception)
        => exception switch
        {
            RequestFailedException { Status: 0 or StatusCodes.Status408RequestTimeout or StatusCodes.Status429TooManyRequests or >= 500 } failed => failed,
            AggregateException all => all.InnerExceptions.Select(StoreFailure).LastOrDefault(),
            _ => null,
        };

    /// <summary>The answer for JSON that does not fit.</summary>
    /// <param name="within">The field that holds the JSON; null: it is the body.</param>
    public static ApiException FromJson(JsonException exception, string? within = null)
    {
        var inner = exception.Path is { Length: > 2 } text ? text[2..] : null;
        var path = within is null || inner is null ? inner ?? within : $"{within}.{inner}";
        if (UnknownField().Match(exception.Message) is { Success: true } unknown)
        {
            var name = unknown.Groups["name"].Value;
            return ApiException.Invalid(path is null ? name : inner?.EndsWith(name, StringComparison.Ordinal) == true ? path : $"{path}.{name}", "unknownField");
        }

        if (MissingFields().Match(exception.Message) is { Success: true } missing)
        {
            var name = missing.Groups["name"].Value;
            return ApiException.Invalid(path is null ? name : $"{path}.{name}", "required");
        }

        return path is null ? new ApiException(ErrorCodes.InvalidRequest, "malformed") : ExpectedShape.Wrong(path, exception);
    }

    private sealed record ProblemBody(
        string Type, string Title, int Status, string? Detail, string Code, Dictionary<string, string[]>? Errors, string TraceId);

    [GeneratedRegex("parameter \"(?<type>[^ \"]*)[^\"]*?(?<name>[A-Za-z0-9_\\-]+)(=[^\"]*)?\"", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, 100)]
    private static partial Regex ParameterName();

    [GeneratedRegex("The JSON property '(?<name>[^']*)' could not be mapped", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, 100)]
    private static partial Regex UnknownField();

    [GeneratedRegex("missing required properties including: '(?<name>[^']*)'", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, 100)]
    private static partial Regex MissingFields();

    [LoggerMessage(100, LogLevel.Error, "{Method} {Endpoint} failed")]
    private static partial void LogUnexpected(ILogger logger, Exception exception, string method, string endpoint);

    [LoggerMessage(104, LogLevel.Warning, "The blob store is not available: {Status} {Code}")]
    private static partial void LogStoreUnavailable(ILogger logger, int status, string? code);

    [LoggerMessage(102, LogLevel.Warning, "The task hub is not available: {Status}")]
    private static partial void LogHubUnavailable(ILogger logger, StatusCode status);

    [LoggerMessage(101, LogLevel.Warning, "PostgreSQL is not available: {Kind} {SqlState}")]
    private static partial void LogUnavailable(ILogger logger, string kind, string? sqlState);
}
