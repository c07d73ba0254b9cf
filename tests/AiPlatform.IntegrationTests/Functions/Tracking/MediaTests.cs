using System.Net;
using System.Net.Http.Headers;
using System.Text;
using AiPlatform.Client;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Experiments;
using AiPlatform.IntegrationTests.Servers;

namespace AiPlatform.IntegrationTests.Functions.Tracking;

[Collection(TrackingCollection.Name)]
public abstract class MediaTests(FunctionsFixture functions)
{
    /// <summary>To the app itself.</summary>
    public sealed class Direct(FunctionsFixture functions) : MediaTests(functions), IClassFixture<FunctionsFixture>;

    /// <summary>Through the Functions host.</summary>
    public sealed class ThroughHost(HostedFunctionsFixture functions) : MediaTests(functions), IClassFixture<HostedFunctionsFixture>;

    private static readonly byte[] Png = Convert.FromHexString("89504E470D0A1A0A0000000D49484452000000030000000208020000");
    private static readonly byte[] Gif = Convert.FromHexString("4749463839610500070080000000");

    [Fact]
    public async Task Media_are_logged_once_listed_by_key_and_step_and_served_safely()
    {
        var (user, client, run) = await RunAsync();
        await using var events = await EventReader.OpenAsync(user.Client, $"run:{run.Id}");
        for (var step = 2; step >= 0; step--)
        {
            await LogAsync(client, run, new LogMediaRequest("val/samples", MediaKind.Image, step, "größe & mehr"), Png);
        }

        var again = await LogAsync(client, run, new LogMediaRequest("val/samples", MediaKind.Image, 1, "renamed"), Png);
        await LogAsync(client, run, new LogMediaRequest("val/samples", MediaKind.Image, 1), Gif);
        await LogAsync(client, run, new LogMediaRequest("weights", MediaKind.Histogram, 5), """{"edges":[0,1],"counts":[4]}"""u8.ToArray());
        var html = await LogAsync(client, run, new LogMediaRequest("notes", MediaKind.Text, 0), "<script>alert(1)</script>"u8.ToArray());
        Assert.Equal(("run.media", "val/samples"), (await events.NextAsync() is var (kind, data) ? (kind, data.GetProperty("data").GetProperty("key").GetString()) : default));

        var first = await client.ListMediaAsync(run.Id, "val/samples", pageSize: 3);
        var rest = await client.ListMediaAsync(run.Id, "val/samples", pageSize: 3, pageToken: first.NextPageToken);
        Assert.Equal([0, 1, 1, 2], first.Items.Concat(rest.Items).Select(item => (int)item.Step));
        Assert.Equal((3, 2, "image/png", "renamed"), (again.Width, again.Height, again.ContentType, again.Caption));
        Assert.Equal(
            [new MediaKey("notes", MediaKind.Text, 1, 0, 0), new MediaKey("val/samples", MediaKind.Image, 4, 0, 2), new MediaKey("weights", MediaKind.Histogram, 1, 5, 5)],
            await client.ListMediaKeysAsync(run.Id, default));
        Assert.Equal(2, (await user.Client.GetAsync<Page<MediaItem>>($"/v1/runs/{run.Id}/media?fromStep=2&toStep=5")).Items.Count);
        Assert.Contains(again.Path, (await client.ListArtifactsAsync(run.Id, null, null, default)).Items.Select(artifact => artifact.Path));

        using var image = await user.Client.GetAsync($"/v1/runs/{run.Id}/media/{again.Id}/content");
        Assert.Equal(Png, await image.Content.ReadAsByteArrayAsync());
        Assert.Equal(("image/png", "nosniff", "inline"), (image.Content.Headers.ContentType!.ToString(), image.Headers.GetValues("X-Content-Type-Options").Single(), image.Content.Headers.ContentDisposition!.DispositionType));
        Assert.Equal("default-src 'none'; sandbox", image.Headers.GetValues("Content-Security-Policy").Single());
        using var copy = new MemoryStream();
        await client.DownloadMediaAsync(run.Id, again.Id, copy, default);
        Assert.Equal(Png, copy.ToArray());
        using var cached = new HttpRequestMessage(HttpMethod.Get, $"/v1/runs/{run.Id}/media/{again.Id}/content");
        cached.Headers.IfNoneMatch.Add(image.Headers.ETag!);
        Assert.Equal(HttpStatusCode.NotModified, (await user.Client.SendAsync(cached)).StatusCode);
        using var text = await user.Client.GetAsync($"/v1/runs/{run.Id}/media/{html.Id}/content");
        Assert.Equal(("text/plain; charset=utf-8", "attachment"), (text.Content.Headers.ContentType!.ToString(), text.Content.Headers.ContentDisposition!.DispositionType));
    }

    [Fact]
    public async Task Bad_media_are_refused_whole()
    {
        var (user, client, run) = await RunAsync();
        var other = await functions.CreateUserAsync();
        var root = $"/v1/runs/{run.Id}/media";
        await PostAsync(user.Client, $"{root}?key=a&kind=image&step=0", "<svg/>").ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        await PostAsync(user.Client, $"{root}?key=a&kind=film&step=0", "x").ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        await PostAsync(user.Client, $"{root}?key=..%2Fa&kind=text&step=0", "x").ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        await PostAsync(user.Client, $"{root}?key=%252e%252e%2Fa&kind=text&step=0", "x").ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        await PostAsync(user.Client, $"{root}?key=a&kind=text&step=-1", "x").ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        await PostAsync(user.Client, $"{root}?key=a&kind=confusionMatrix&step=0", """{"labels":["a"],"matrix":[]}""").ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        await PostAsync(user.Client, $"{root}?key=a&kind=text&step=0", new string('x', (1 << 20) + 1)).ProblemAsync(HttpStatusCode.RequestEntityTooLarge, ErrorCodes.PayloadTooLarge);
        await PostAsync(other.Client, $"{root}?key=a&kind=text&step=0", "x").ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        Assert.Empty(await client.ListMediaKeysAsync(run.Id, default));
        Assert.Empty((await client.ListArtifactsAsync(run.Id, null, null, default)).Items);
        await other.Client.GetAsync($"{root}/keys").ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        await user.Client.GetAsync($"{root}/nothing/content").ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
    }

    private static Task<MediaItem> LogAsync(AiPlatformClient client, Run run, LogMediaRequest request, byte[] bytes)
        => client.LogMediaAsync(run.Id, request, () => new MemoryStream(bytes), default);

    private static Task<HttpResponseMessage> PostAsync(HttpClient client, string path, string body)
        => client.PostAsync(path, new ByteArrayContent(Encoding.UTF8.GetBytes(body)) { Headers = { ContentType = new MediaTypeHeaderValue("application/octet-stream") } });

    private async Task<(TestUser User, AiPlatformClient Client, Run Run)> RunAsync()
    {
        var user = await functions.CreateUserAsync();
        var project = await functions.CreateProjectAsync(user.Client);
        var client = new AiPlatformClient(functions.Client(null), new FixedTokenSource(user.AccessToken), maxAttempts: 1);
        await client.CreateExperimentAsync(project.Id, new CreateExperimentRequest("exp"), default);
        return (user, client, await client.CreateRunAsync(project.Id, "exp", new CreateRunRequest(), default));
    }
}
