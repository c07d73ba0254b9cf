using AiPlatform.OpenApi;

namespace AiPlatform.Tests.OpenApi;

/// <summary>The functions that a Functions host is told of.</summary>
[Trait("Area", "All")]
public sealed class FunctionsSourceTests
{
    [Fact]
    public async Task The_functions_of_the_worker_are_those_of_the_routes()
        => Assert.True(
            await FunctionsSource.MakeAsync() == await File.ReadAllTextAsync(DocumentFiles.OfRepository().Functions),
            "The routes have other functions. Write them with: dotnet run --project functions/AiPlatform.OpenApi -- write");

    [Fact]
    public void Routes_of_one_part_share_a_function_and_a_route_alone_has_no_rest()
    {
        var source = FunctionsSource.Write(["/v1/jobs/{job}", "v1/jobs/{job}/cancel", "/v1/traces/", "/metrics", "/p/{project}/api", "/", "/{**path}", "/runtime/webhooks/x", "/ajax-api/2.0"]);
        Assert.Equal(
            ["ajax-api/{*rest}", "v1/jobs/{*rest}", "metrics", "p/{*rest}", "v1/traces"],
            source.Split('\n').Where(static line => line.Contains("HttpTrigger", StringComparison.Ordinal)).Select(static line => line.Split('"')[1]));
        Assert.Contains("AjaxApiAsync", source, StringComparison.Ordinal);
    }

    [Fact]
    public void Two_parts_never_share_a_name()
        => Assert.Contains("v1/jobs", Assert.Throws<InvalidOperationException>(static () => FunctionsSource.Write(["/v1/jobs", "/jobs"])).Message, StringComparison.Ordinal);
}
