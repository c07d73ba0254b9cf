using System.Text.Json;

namespace AiPlatform.IntegrationTests.Functions;

/// <summary>Reads a stream of server-sent events.</summary>
public sealed class EventReader : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private readonly HttpResponseMessage _response;
    private readonly StreamReader _lines;

    private EventReader(HttpResponseMessage response, Stream stream)
    {
        _response = response;
        _lines = new StreamReader(stream);
    }

    /// <summary>The id of the last event that was read.</summary>
    public string? LastId { get; private set; }

    /// <summary>Subscribes; the subscription stands when this returns.</summary>
    public static async Task<EventReader> OpenAsync(HttpClient client, string topics, string? lastEventId = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/v1/events?topics={topics}");
        if (lastEventId is not null)
        {
            request.Headers.Add("Last-Event-ID", lastEventId);
        }

        var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.True(response.IsSuccessStatusCode, response.StatusCode.ToString());
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        var reader = new EventReader(response, await response.Content.ReadAsStreamAsync());
        await reader.NextBlockAsync();
        return reader;
    }

    /// <summary>The next event's kind and its <c>data</c> (topic and data).</summary>
    public async Task<(string Kind, JsonElement Data)> NextAsync()
    {
        while (true)
        {
            var block = await NextBlockAsync();
            if (block.TryGetValue("data", out var data))
            {
                LastId = block["id"];
                return (block["event"], JsonDocument.Parse(data).RootElement);
            }
        }
    }

    /// <summary>The property <c>number</c> of the next events.</summary>
    public async Task<IReadOnlyList<int>> NumbersAsync(int count)
    {
        var numbers = new List<int>();
        while (numbers.Count < count)
        {
            numbers.Add((await NextAsync()).Data.GetProperty("data").GetProperty("number").GetInt32());
        }

        return numbers;
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync()
    {
        _response.Dispose();
        _lines.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<Dictionary<string, string>> NextBlockAsync()
    {
        using var deadline = new CancellationTokenSource(Deadline);
        var block = new Dictionary<string, string>(StringComparer.Ordinal);
        while (await _lines.ReadLineAsync(deadline.Token) is { } line)
        {
            if (line.Length == 0)
            {
                return block;
            }

            var colon = line.IndexOf(':', StringComparison.Ordinal);
            block[line[..colon]] = line[(colon + 1)..].TrimStart();
        }

        throw new EndOfStreamException("The event stream ended.");
    }
}
