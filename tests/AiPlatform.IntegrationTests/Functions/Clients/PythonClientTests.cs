using AiPlatform.IntegrationTests.Servers;

namespace AiPlatform.IntegrationTests.Functions.Clients;

/// <summary>The Python client against the app.</summary>
[Collection(TrackingCollection.Name)]
public sealed class PythonClientTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>
{
    private const string Language = "python";

    [Fact]
    public async Task What_the_readme_shows_works() => await RunAsync(await ClientScript.ReadmeAsync(Language, "python", functions.Name("handwriting")));

    [Fact]
    public async Task Uploads_go_on_downloads_are_verified_lists_go_over_pages_and_errors_have_codes()
        => await RunAsync(await File.ReadAllTextAsync(Path.Combine(ClientScript.Folder(Language), "tests", "platform_suite.py")));

    // Debian's own interpreter: the client promises to need nothing besides.
    private Task RunAsync(string script) => ClientScript.RunAsync(functions, "/usr/bin/python3", "script.py", script, static (_, environment) =>
    {
        environment["PYTHONPATH"] = ClientScript.Folder(Language);
        environment["PYTHONDONTWRITEBYTECODE"] = "1";
    });
}
