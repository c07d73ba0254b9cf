using StackExchange.Redis;

namespace AiPlatform.IntegrationTests.Servers;

[Collection(ServersCollection.Name)]
public sealed class GarnetServerTests(GarnetFixture garnet)
{
    [Fact]
    public async Task Keys_and_published_messages_pass_through()
    {
        await using var redis = await ConnectionMultiplexer.ConnectAsync(garnet.ConnectionString);
        await redis.GetDatabase().StringSetAsync("key", "value");
        Assert.Equal("value", await redis.GetDatabase().StringGetAsync("key"));

        var received = new TaskCompletionSource<string?>();
        await redis.GetSubscriber().SubscribeAsync(RedisChannel.Literal("events"), (_, message) => received.TrySetResult(message));
        await redis.GetSubscriber().PublishAsync(RedisChannel.Literal("events"), "hello");
        Assert.Equal("hello", await received.Task.WaitAsync(TimeSpan.FromSeconds(60)));
    }
}
