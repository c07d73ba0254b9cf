using AiPlatform.FunctionsHost.App;
using AiPlatform.FunctionsHost.Http;
using Microsoft.AspNetCore.Http;

namespace AiPlatform.Tests.FunctionsHost;

/// <summary>Routes are chosen as the real host chooses them (shared facts): by name, the first that fits, methods among the conditions.</summary>
public sealed class RouteTableTests
{
    [Theory]
    [InlineData("GET", "/v1/projects", "projects")]
    [InlineData("GET", "/v1/projects/7/runs", "projects")]
    [InlineData("GET", "/V1/Projects/7", "projects")]
    [InlineData("GET", "/v1/projectsx", "zz")]
    [InlineData("GET", "/", "zz")]
    [InlineData("GET", "/v1/items/7", "items")]
    [InlineData("GET", "/v1/items/x", "zz")]
    [InlineData("POST", "/v1/items/7", "zz")]
    [InlineData("get", "/v1/items/7", "items")]
    [InlineData("GET", "/v1/optional", "optional")]
    [InlineData("GET", "/v1/optional/3", "optional")]
    [InlineData("GET", "/v1/a-b.txt", "mixed")]
    [InlineData("GET", "/admin/host/status", null)]
    [InlineData("GET", "/Runtime/webhooks", null)]
    [InlineData("GET", "/administration", "zz")]
    public void The_first_function_by_name_that_fits_is_chosen(string method, string path, string? function)
    {
        var routes = Table(
            string.Empty,
            new Declared("zz", "{*rest}"),
            new Declared("projects", "v1/projects/{*rest}"),
            new Declared("items", "v1/items/{id:int}", "GET"),
            new Declared("optional", "v1/optional/{id:int?}"),
            new Declared("mixed", "v1/{a}-{b}.txt"));
        Assert.Equal(function, routes.Match(Request(method, path))?.Function.Name);
    }

    [Fact]
    public void A_name_early_in_the_order_wins_whatever_its_route()
        => Assert.Equal("all", Table(string.Empty, new Declared("projects", "v1/projects"), new Declared("all", "{*rest}")).Match(Request("GET", "/v1/projects"))!.Function.Name);

    [Fact]
    public void The_prefix_is_part_of_every_route_and_values_are_found()
    {
        var routes = Table("api", new Declared("items", "items/{id}/{*rest}"));
        Assert.Null(routes.Match(Request("GET", "/items/7")));
        var match = routes.Match(Request("GET", "/api/items/7/a/b"))!;
        Assert.Equal(("7", "a/b"), (match.Values["id"], match.Values["rest"]));
    }

    [Fact]
    public void An_unknown_constraint_is_named()
        => Assert.Contains("nonsense", Assert.Throws<InvalidOperationException>(() => Table(string.Empty, new Declared("items", "items/{id:nonsense}"))).Message, StringComparison.Ordinal);

    private static RouteTable Table(string prefix, params Declared[] functions)
        => new(functions.Select(static function => new FunctionDescription(function.Name, function.Name, new HttpTrigger("req", function.Route, function.Methods))), prefix);

    private static DefaultHttpContext Request(string method, string path) => new() { Request = { Method = method, Path = path } };

    private sealed record Declared(string Name, string Route, params string[] Methods);
}
