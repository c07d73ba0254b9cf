using System.Net;
using System.Net.Http.Json;
using AiPlatform.Contracts;

namespace AiPlatform.IntegrationTests.Functions;

/// <summary>Requests in the API's JSON dialect, and assertions that print the body when they fail.</summary>
public static class HttpExtensions
{
    /// <summary>Sends a body as JSON.</summary>
    public static Task<HttpResponseMessage> SendJsonAsync(this HttpClient client, HttpMethod method, string path, object? body, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(method, path);
        if (body is not null)
        {
            request.Content = body is string text
                ? new StringContent(text, System.Text.Encoding.UTF8, "application/json")
                : JsonContent.Create(body, body.GetType(), options: ContractsJson.Strict);
        }

        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return client.SendAsync(request);
    }

    /// <summary>Posts a body as JSON; a string is sent as it is.</summary>
    public static Task<HttpResponseMessage> PostJsonAsync(this HttpClient client, string path, object? body, params (string Name, string Value)[] headers)
        => client.SendJsonAsync(HttpMethod.Post, path, body, headers);

    /// <summary>Posts, expects success and reads the answer.</summary>
    public static async Task<T> PostAsync<T>(this HttpClient client, string path, object? body)
        => await (await client.PostJsonAsync(path, body)).ReadAsync<T>();

    /// <summary>Gets, expects success and reads the answer.</summary>
    public static async Task<T> GetAsync<T>(this HttpClient client, string path) => await (await client.GetAsync(path)).ReadAsync<T>();

    /// <summary>Expects success and reads the answer.</summary>
    public static async Task<T> ReadAsync<T>(this HttpResponseMessage response)
    {
        Assert.True(response.IsSuccessStatusCode, $"{(int)response.StatusCode}: {await response.Content.ReadAsStringAsync()}");
        return (await response.Content.ReadFromJsonAsync<T>(ContractsJson.Tolerant))!;
    }

    /// <summary>Expects a problem with this status and code, and returns it.</summary>
    public static async Task<ProblemResponse> ProblemAsync(this Task<HttpResponseMessage> pending, HttpStatusCode status, string code)
    {
        var response = await pending;
        var body = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == status, $"Expected {(int)status} {code}, got {(int)response.StatusCode}: {body}");
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        var problem = (await response.Content.ReadFromJsonAsync<ProblemResponse>(ContractsJson.Tolerant))!;
        Assert.True(problem.Code == code, $"Expected {code}, got {body}");
        Assert.Equal((int)status, problem.Status);
        return problem;
    }
}
