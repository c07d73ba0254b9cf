using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace AiPlatform.Hosting;

/// <summary>Endpoints of internal ports that are for whoever knows a token. Job code reaches the ports, and does not know it.</summary>
public static class BearerEndpoints
{
    /// <summary>The setting of the token that reads metrics; without it there are none.</summary>
    public const string MetricsToken = "Metrics:Token";

    /// <summary>Answers 401 unless the call carries <c>Authorization: Bearer</c> and the token; where there is no token, 404.</summary>
    public static TBuilder RequireBearer<TBuilder>(this TBuilder endpoint, string? token)
        where TBuilder : IEndpointConventionBuilder
    {
        var expected = string.IsNullOrEmpty(token) ? null : Hash(token);
        endpoint.Finally(builder =>
        {
            var next = builder.RequestDelegate ?? throw new InvalidOperationException($"The endpoint {builder.DisplayName} has no handler.");
            builder.RequestDelegate = context => Check(context, expected) is not { } refused ? next(context) : RefuseAsync(context, refused);
        });
        return endpoint;
    }

    /// <summary>Whether an <c>Authorization</c> header carries the token; neither time nor length tells anything about it.</summary>
    public static bool Carries(string? header, ReadOnlySpan<byte> expectedHash)
    {
        const string Scheme = "Bearer ";
        return header is not null && header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
            && CryptographicOperations.FixedTimeEquals(Hash(header[Scheme.Length..]), expectedHash);
    }

    /// <summary>What a token is compared through.</summary>
    public static byte[] Hash(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));

    private static int? Check(HttpContext context, byte[]? expected)
        => expected is null ? StatusCodes.Status404NotFound
            : Carries(context.Request.Headers.Authorization, expected) ? null
            : StatusCodes.Status401Unauthorized;

    private static Task RefuseAsync(HttpContext context, int status)
    {
        context.Response.StatusCode = status;
        if (status == StatusCodes.Status401Unauthorized)
        {
            context.Response.Headers.WWWAuthenticate = "Bearer";
        }

        return Task.CompletedTask;
    }
}
