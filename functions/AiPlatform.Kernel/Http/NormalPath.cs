using System.Text;
using AiPlatform.Contracts;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Kernel.Http;

/// <summary>
/// Names in paths are what their letters are, whichever way they were typed: macOS and some keyboards write a letter with an accent as two
/// characters. Everything is kept in Unicode's normal form C, and asked for in it.
/// </summary>
public sealed class NormalPath(RequestDelegate next)
{
    /// <summary>Brings the path to its normal form.</summary>
    public Task InvokeAsync(HttpContext context)
    {
        if (context.Request.Path.Value is { } path && !Ascii.IsValid(path))
        {
            context.Request.Path = FilePath.Normal(path);
        }

        return next(context);
    }
}
