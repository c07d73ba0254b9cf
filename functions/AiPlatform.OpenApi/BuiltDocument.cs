using AiPlatform.Functions;
using AiPlatform.Functions.Documentation;

namespace AiPlatform.OpenApi;

/// <summary>The API's document as the routes of this build make it.</summary>
public static class BuiltDocument
{
    // The app is built and not started: it says what it maps and reaches no server.
    internal static readonly string[] Settings =
    [
        "--urls=http://127.0.0.1:0", "--ConnectionStrings:Postgres=Host=127.0.0.1;Port=1",
        "--ConnectionStrings:Blob=UseDevelopmentStorage=true", "--ConnectionStrings:Redis=127.0.0.1:1,abortConnect=false",
        "--ConnectionStrings:TaskHub=Endpoint=http://127.0.0.1:1;TaskHub=default;Authentication=None",
        $"--Identity:SigningKey={Convert.ToBase64String(new byte[48])}", "--Logging:LogLevel:Default=Warning",
    ];

    /// <summary>Makes the document.</summary>
    public static async Task<string> MakeAsync(CancellationToken cancellationToken)
    {
        await using var app = FunctionsApp.Build(Settings);
        return await ApiDocumentText.WriteAsync(app, cancellationToken).ConfigureAwait(false);
    }
}
