using System.Security.Cryptography;
using System.Text;
using AiPlatform.Contracts.Datasets;

namespace AiPlatform.IntegrationTests.Functions.Data;

/// <summary>What clients do with SAS URLs.</summary>
internal static class Blobs
{
    private static readonly HttpClient Http = new();

    public static string Sha256(string content) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(content)));

    public static DatasetFile File(string path, string content) => new(path, Encoding.UTF8.GetByteCount(content), Sha256(content));

    public static async Task<HttpResponseMessage> PutAsync(string url, IReadOnlyDictionary<string, string> headers, string content)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, url) { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(content)) };
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return await Http.SendAsync(request);
    }

    public static async Task UploadAsync(string url, IReadOnlyDictionary<string, string> headers, string content)
    {
        using var response = await PutAsync(url, headers, content);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
    }

    public static Task<string> ReadAsync(string url) => Http.GetStringAsync(url);
}
