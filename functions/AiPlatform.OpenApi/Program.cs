namespace AiPlatform.OpenApi;

/// <summary>Keeps the API's document: writes it, compares it, releases it.</summary>
internal static class Program
{
    private const string Usage =
        """
        dotnet run --project functions/AiPlatform.OpenApi -- COMMAND
          write    writes functions/openapi/v1.json, and the functions of the worker, from the routes
          check    says what would break clients of the newest release
          release  makes the document what clients may rely on
        """;

    /// <summary>Runs one command.</summary>
    public static async Task<int> Main(string[] args)
    {
        var files = DocumentFiles.OfRepository();
        switch (args)
        {
            case ["write"]:
                await File.WriteAllTextAsync(files.Current, await BuiltDocument.MakeAsync(CancellationToken.None)).ConfigureAwait(false);
                await File.WriteAllTextAsync(files.Functions, await FunctionsSource.MakeAsync().ConfigureAwait(false)).ConfigureAwait(false);
                return 0;
            case ["check"]:
                var (breaks, stale) = files.Compare();
                Console.WriteLine(string.Join('\n', breaks.Select(static item => item.ToString()).Concat(stale.Select(static line => $"not a break: {line}"))));
                return breaks.Count + stale.Count == 0 ? 0 : 1;
            case ["release"]:
                files.Release();
                return 0;
            default:
                await Console.Error.WriteLineAsync(Usage).ConfigureAwait(false);
                return 2;
        }
    }
}
