using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace AiPlatform.IntegrationTests.Functions.MLflow;

/// <summary>Sends what MLflow's REST store sends: JSON bodies, GET parameters in the query; success is 200 and a JSON object.</summary>
internal sealed class MLflowClient(HttpClient http, string root = "/api/2.0/mlflow/")
{
    public async Task<JsonObject> GetAsync(string path)
    {
        using var response = await http.GetAsync(root + path);
        return await OkAsync(response);
    }

    public async Task<JsonObject> PostAsync(string path, object body, string method = "POST")
    {
        using var response = await SendAsync(method, path, body);
        return await OkAsync(response);
    }

    public Task<HttpResponseMessage> SendAsync(string method, string path, object body)
        => http.SendAsync(new HttpRequestMessage(new HttpMethod(method), root + path)
        {
            Content = new StringContent(body as string ?? JsonSerializer.Serialize(body), Encoding.UTF8, new MediaTypeHeaderValue("application/json")),
        });

    /// <summary>Expects an error; answers its message.</summary>
    public async Task<string> ErrorAsync(string path, object? body, HttpStatusCode status, string code, string method = "POST")
    {
        using var response = body is null ? await http.GetAsync(root + path) : await SendAsync(method, path, body);
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == status, $"{(int)response.StatusCode}: {text}");
        var error = JsonNode.Parse(text)!.AsObject();
        Assert.Equal(code, (string)error["error_code"]!);
        Assert.Equal(2, error.Count);
        return (string)error["message"]!;
    }

    public async Task<string> ExperimentAsync(string name) => (string)(await PostAsync("experiments/create", new { name }))["experiment_id"]!;

    public async Task<string> RunAsync(string experiment = "0", object? tags = null)
        => (string)(await PostAsync("runs/create", new { experiment_id = experiment, start_time = 1_700_000_000_000, tags = tags ?? Array.Empty<object>() }))["run"]!["info"]!["run_id"]!;

    private static async Task<JsonObject> OkAsync(HttpResponseMessage response)
    {
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == HttpStatusCode.OK, $"{(int)response.StatusCode}: {text}");
        return JsonNode.Parse(text)!.AsObject();
    }
}
