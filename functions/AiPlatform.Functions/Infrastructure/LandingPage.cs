namespace AiPlatform.Functions.Infrastructure;

/// <summary>
/// <c>GET /</c>: a small page in the caller's language. The Functions host asks for it until it gets an answer, so it comes
/// before routing and needs nothing: no redirect, no token, no database.
/// </summary>
internal sealed class LandingPage(RequestDelegate next)
{
    private static readonly Lazy<byte[]> English = new(static () => Load("landing.en.html"));
    private static readonly Lazy<byte[]> Chinese = new(static () => Load("landing.zh-CN.html"));

    /// <summary>Answers the page, or passes the request on.</summary>
    public async Task InvokeAsync(HttpContext context)
    {
        if (context.Request.Path.Value is not ("/" or "") || !(HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method)))
        {
            await next(context);
            return;
        }

        var chinese = ErrorCatalog.PrefersChinese(context.Request);
        var page = (chinese ? Chinese : English).Value;
        var response = context.Response;
        response.ContentType = "text/html; charset=utf-8";
        response.ContentLength = page.Length;
        response.Headers.ContentLanguage = chinese ? "zh-CN" : "en";
        response.Headers.Vary = "Accept-Language";
        response.Headers.CacheControl = "no-cache";
        if (HttpMethods.IsGet(context.Request.Method))
        {
            await response.Body.WriteAsync(page, context.RequestAborted);
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
