using System.Reflection;
using AiPlatform.Functions.Worker;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.Kernel.Access;
using Microsoft.AspNetCore.Routing;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.DependencyInjection;

namespace AiPlatform.IntegrationTests.Functions.Core;

[Collection(ServersCollection.Name)]
[Trait("Area", "All")]
public sealed class RouteTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>
{
    private const int MaxParameters = 7;

    private IReadOnlyList<RouteEndpoint> Routes
        => [.. functions.App.Services.GetServices<EndpointDataSource>().SelectMany(static source => source.Endpoints).OfType<RouteEndpoint>()];

    [Fact]
    public void Every_route_declares_its_permission()
    {
        Assert.True(Routes.Count > 20, $"Only {Routes.Count} routes were found.");
        Assert.Empty(Routes.Where(static route => route.Metadata.GetMetadata<RouteAction>() is null).Select(static route => route.DisplayName));
    }

    [Fact]
    public void Only_the_known_routes_are_open_to_everybody()
    {
        string[] open = ["/v1/auth/", "/v1/dataset-contents/", "/health", "/metrics", "/openapi/", "/docs", "/scalar", "/version"];
        var anonymous = Routes.Where(static route => route.Metadata.GetMetadata<RouteAction>()!.Action is null)
            .Select(static route => "/" + route.RoutePattern.RawText!.TrimStart('/'));
        Assert.All(anonymous, route => Assert.Contains(open, prefix => route.StartsWith(prefix, StringComparison.Ordinal)));
    }

    [Fact]
    public void No_handler_takes_more_than_seven_parameters()
    {
        var handlers = Routes.Select(static route => (Name: route.DisplayName, Method: route.Metadata.GetMetadata<MethodInfo>()))
            .Where(static handler => handler.Method is not null).ToList();
        Assert.True(handlers.Count > 200, $"Only {handlers.Count} handlers were found.");
        Assert.Empty(handlers.Where(static handler => handler.Method!.GetParameters().Length > MaxParameters).Select(static handler => handler.Name));
    }

    [Fact]
    public void Every_area_has_its_own_http_function()
    {
        var prefixes = typeof(AppFunctions).GetMethods()
            .Select(static method => method.GetParameters().FirstOrDefault()?.GetCustomAttribute<HttpTriggerAttribute>()?.Route?.Split("/{*")[0])
            .OfType<string>().Where(static prefix => !prefix.StartsWith('{')).ToList();
        Assert.True(prefixes.Count > 20, $"Only {prefixes.Count} functions were found.");
        foreach (var route in Routes)
        {
            var path = route.RoutePattern.RawText!.Trim('/');
            if (!path.StartsWith("runtime/", StringComparison.Ordinal))
            {
                Assert.True(prefixes.Exists(prefix => path == prefix || path.StartsWith(prefix + "/", StringComparison.Ordinal)), $"No function routes {path}.");
            }
        }
    }
}
