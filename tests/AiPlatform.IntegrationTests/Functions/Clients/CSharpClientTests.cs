using AiPlatform.Contracts.Identity;
using AiPlatform.IntegrationTests.Servers;

namespace AiPlatform.IntegrationTests.Functions.Clients;

/// <summary>The C# client's README against the app; the client itself is what most other tests use.</summary>
[Collection(TrackingCollection.Name)]
public sealed class CSharpClientTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>
{
    [Fact]
    public async Task What_the_readme_shows_works()
    {
        var snippet = Assert.Single(await CSharpSnippet.OfAsync("functions/clients/csharp/README.md"));
        var user = await functions.CreateUserAsync();
        var token = await user.Client.PostAsync<CreatedAccessToken>("/v1/users/me/tokens", new CreateAccessTokenRequest("csharp"));
        var folder = Directory.CreateTempSubdirectory("aip-csharp-").FullName;
        try
        {
            await CSharpSnippet.RunAsync(
                [
                    "System.IO", "System.Net.Http", "AiPlatform.Client", "AiPlatform.Contracts", "AiPlatform.Contracts.Datasets", "AiPlatform.Contracts.Jobs", "AiPlatform.Contracts.Projects",
                ],
                "var (address, token) = (args[0], args[1]);",
                snippet.Replace("handwriting", functions.Name("handwriting"), StringComparison.Ordinal).Replace("\"digits/", $"\"{folder}/", StringComparison.Ordinal)
                    .Replace("CreateDirectory(\"digits\")", $"CreateDirectory(\"{folder}\")", StringComparison.Ordinal).Replace("\"digits\", \"digits\", \"The", $"\"digits\", \"{folder}\", \"The", StringComparison.Ordinal),
                string.Empty,
                string.Empty,
                functions.App.Address.ToString(),
                token.Token);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        var tasks = await (await user.Client.GetAsync("/v1/tasks")).Content.ReadAsStringAsync();
        Assert.Contains("Only a demonstration.", tasks, StringComparison.Ordinal);
    }
}
