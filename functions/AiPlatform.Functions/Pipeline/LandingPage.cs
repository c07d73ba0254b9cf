using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Functions.Pipeline;

/// <summary>
/// <c>GET /</c>: a small page in the caller's language; a link to a run shows that run. The Functions host asks for it until it gets an answer, so it comes
/// before routing and needs nothing: no redirect, no token, no database.
/// </summary>
internal sealed class LandingPage(RequestDelegate next)
{
    private static readonly Lazy<byte[]> English = new(static () => Load("landing.en.html"));
    private static readonly Lazy<byte[]> Chinese = new(static () => Load("landing.zh-CN.html"));

    private static readonly Lazy<byte[]> Script = new(static () => Load("run-page.js"));

    /// <summary>Answers the page, or passes the request on.</summary>
    public async Task InvokeAsync(HttpContext context)
    {
        if (!(HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method)))
        {
            await next(context);
            return;
        }

        if (context.Request.Path.Value == "/run-page.js")
        {
            await WriteAsync(context, Script.Value, "text/javascript; charset=utf-8");
        }
        else if (IsPage(context.Request.Path.Value))
        {
            await WritePageAsync(context);
        }
        else
        {
            await next(context);
        }
    }

    // MLflow's clients print links below their tracking URI, which may name a project: /p/{project}/#/experiments/...
    private static bool IsPage(string? path)
        => path is null or "" or "/" || (path.StartsWith("/p/", StringComparison.Ordinal) && path.AsSpan(3).TrimEnd('/') is { Length: > 0 } project && !project.Contains('/'));

    private static Task WritePageAsync(HttpContext context)
    {
        var chinese = ErrorCatalog.PrefersChinese(context.Request);
        var response = context.Response;
        response.Headers.ContentLanguage = chinese ? "zh-CN" : "en";
        response.Headers.Vary = "Accept-Language";
        response.Headers.ContentSecurityPolicy = "default-src 'self'; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'";
        return WriteAsync(context, (chinese ? Chinese : English).Value, "text/html; charset=utf-8");
    }

    private static async Task WriteAsync(HttpContext context, byte[] content, string type)
    {
        var response = context.Response;
        response.ContentType = type;
        response.ContentLength = content.Length;
        response.Headers.CacheControl = "no-cache";
        response.Headers.XContentTypeOptions = "nosniff";
        if (HttpMethods.IsGet(context.Request.Method))
        {
            await response.Body.WriteAsync(content, context.RequestAborted);
        }
    }

    private static byte[] Load(string name)
    {
        using var stream = typeof(LandingPage).Assembly.GetManifestResourceStream($"AiPlatform.Functions.Resources.{name}")!;
        var page = new byte[stream.Length];
        stream.ReadExactly(page);
        return page;
    }
}
