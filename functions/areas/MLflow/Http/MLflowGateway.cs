using System.Text.Json;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.MLflow;

namespace AiPlatform.MLflow.Http;

/// <summary>
/// In front of the routing: brings the prefixes that MLflow's clients and its web page use to one
/// (<c>/p/{project}</c>, <c>/ajax-api</c>, <c>/api/3.0</c>, <c>/api/2.0/preview</c>), and answers errors below it in MLflow's shape.
/// </summary>
internal sealed class MLflowGateway(RequestDelegate next) : IErrorAnswer
{
    private static readonly PathString[] Roots = ["/api/2.0/mlflow", "/api/2.0/mlflow-artifacts"];

    private static readonly string[] Pages = ["get-artifact", "model-versions/get-artifact"];

    /// <summary>Handles a request.</summary>
    public async Task InvokeAsync(HttpContext context)
    {
        var asked = context.Request.Path;
        if (!Rewrite(context))
        {
            await next(context);
            return;
        }

        context.Features.Set<IErrorAnswer>(this);
        try
        {
            await next(context);
            if (context.GetEndpoint() is null || context.Response is { HasStarted: false, StatusCode: StatusCodes.Status405MethodNotAllowed })
            {
                throw new MLflowException("ENDPOINT_NOT_FOUND", $"There is no endpoint {context.Request.Method} {asked}.");
            }
        }
        catch (MLflowException exception) when (!context.Response.HasStarted)
        {
            await WriteAsync(context, exception);
        }
        catch (JsonException) when (!context.Response.HasStarted)
        {
            await WriteAsync(context, new MLflowException("BAD_REQUEST", "The request body is not valid JSON."));
        }
    }

    /// <inheritdoc />
    public Task WriteAsync(HttpContext context, ApiException exception)
        => WriteAsync(context, MLflowException.Of(exception), exception.RetryAfterSeconds);

    private static bool Rewrite(HttpContext context)
    {
        var path = context.Request.Path;
        if (path.StartsWithSegments("/p", StringComparison.Ordinal, out var rest) && rest.Value is { Length: > 1 } named && named.IndexOf('/', 1) is > 1 and var slash)
        {
            context.Features.Set(new NamedProject(named[1..slash]));

            // A text made a path by itself would be decoded once more.
            path = new PathString(named[slash..]);
        }

        // MLflow's page asks for files beside the API.
        foreach (var page in Pages)
        {
            if (path.Value!.TrimStart('/') == page)
            {
                path = Roots[0].Add("/" + page);
            }
        }

        if (path.StartsWithSegments("/ajax-api", StringComparison.Ordinal, out rest))
        {
            path = new PathString("/api").Add(rest);
        }

        if (path.StartsWithSegments("/api/3.0/mlflow", StringComparison.Ordinal, out rest) || path.StartsWithSegments("/api/2.0/preview/mlflow", StringComparison.Ordinal, out rest))
        {
            path = Roots[0].Add(rest);
        }

        // Three are appended to the tracking URI itself.
        if (!Array.Exists(Roots, root => path.StartsWithSegments(root, StringComparison.Ordinal)) && path.Value is not ("/v1/traces" or "/version" or "/graphql"))
        {
            return false;
        }

        context.Request.Path = path;
        return true;
    }

    private static Task WriteAsync(HttpContext context, MLflowException exception, int? retryAfterSeconds = null)
    {
        context.Response.Clear();
        if (retryAfterSeconds is { } seconds)
        {
            context.Response.Headers.RetryAfter = $"{seconds}";
        }

        context.Response.StatusCode = exception.Status;
        // A page of ours asks for the password itself: the challenge would make the browser ask too.
        if (exception.Status == StatusCodes.Status401Unauthorized && context.Request.Headers.XRequestedWith != "XMLHttpRequest")
        {
            context.Response.Headers.WWWAuthenticate = "Basic realm=\"aiplatform\"";
        }

        return context.Response.WriteAsJsonAsync(new Dictionary<string, string>(StringComparer.Ordinal) { ["error_code"] = exception.Code, ["message"] = exception.Message }, context.RequestAborted);
    }
}
