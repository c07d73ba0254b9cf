using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using AiPlatform.Contracts.Identity;
using AiPlatform.IntegrationTests.Functions;
using AiPlatform.Local.Servers;
using AiPlatform.Tests.House;

namespace AiPlatform.IntegrationTests.Platform;

/// <summary>Sends the requests of the areas' <c>.http</c> files, top to bottom, as an editor would for somebody who has just started the platform.</summary>
internal static partial class HttpFileRun
{
    /// <summary>Sends all of them; one that is refused fails the test.</summary>
    public static async Task RunAsync(RunningPlatform platform)
    {
        var endpoints = platform.Platform.Endpoints;
        using var client = new HttpClient { BaseAddress = new Uri(endpoints.Api) };
        var login = await client.PostAsync<TokenResponse>("/v1/auth/login", new LoginRequest(endpoints.Administrator.UserName, endpoints.Administrator.Password));
        foreach (var path in Directory.EnumerateFiles(Path.Combine(RepositoryFolders.Root, "functions", "areas"), "*.http", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            var file = HttpFile.Parse(await File.ReadAllTextAsync(path));
            var answers = new Dictionary<string, JsonNode?>(StringComparer.Ordinal);
            foreach (var request in file.Requests)
            {
                using var message = Message(request, text => Fill(text, file, answers, endpoints.Api, login.AccessToken));
                using var response = await client.SendAsync(message);
                var body = await response.Content.ReadAsStringAsync();
                Assert.True(response.IsSuccessStatusCode, $"{Path.GetFileName(path)}, {request.Title}: {(int)response.StatusCode} {body}");
                if (request.Name is not null)
                {
                    answers[request.Name] = JsonNode.Parse(body);
                }
            }
        }
    }

    private static HttpRequestMessage Message(HttpFile.Request request, Func<string, string> fill)
    {
        var message = new HttpRequestMessage(new HttpMethod(request.Method), fill(request.Url));
        if (request.Body is not null)
        {
            message.Content = new StringContent(fill(request.Body), Encoding.UTF8);
            message.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(request.Headers["Content-Type"]);
        }

        foreach (var (name, value) in request.Headers.Where(static header => header.Key != "Content-Type"))
        {
            message.Headers.TryAddWithoutValidation(name, fill(value));
        }

        return message;
    }

    private static string Fill(string text, HttpFile file, Dictionary<string, JsonNode?> answers, string api, string token)
        => Placeholder().Replace(text, match => match.Groups["name"].Value switch
        {
            "$processEnv API" => api,
            "$processEnv TOKEN" => token,
            "$guid" => Guid.NewGuid().ToString(),
            var number when number.StartsWith("$randomInt ", StringComparison.Ordinal) => Random.Shared.Next(1_000, 10_000).ToString(CultureInfo.InvariantCulture),
            var name when name.Split(".response.body.$.") is [var answer, var path] => path.Split('.').Aggregate(answers[answer], static (node, part) => node![part])!.ToString(),
            var name => Fill(file.Variables[name], file, answers, api, token),
        });

    [GeneratedRegex(@"\{\{(?<name>[^{}]+)\}\}", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Placeholder();
}
