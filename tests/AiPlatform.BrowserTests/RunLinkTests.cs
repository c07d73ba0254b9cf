using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace AiPlatform.BrowserTests;

/// <summary>Links as MLflow's clients print them, below the tracking URI. The database is away here, so the answers of the API are given by the test.</summary>
public sealed class RunLinkTests(BrowserFixture browser) : IClassFixture<BrowserFixture>
{
    private const string Run = """
        {"run":{"info":{"run_id":"r1","run_name":"<b>first</b>","experiment_id":"7","status":"FINISHED","user_id":"ada","start_time":1700000000000},
         "data":{"metrics":[{"key":"system/n0/cpu","value":9,"step":1700000001,"timestamp":1700000001000},{"key":"loss","value":0.25,"step":3}],"params":[{"key":"depth","value":"4"}],"tags":[]}}}
        """;

    [Theory]
    [InlineData("/p/team/#/experiments/7/runs/r1", "/p/team/api/", "en-US", "Parameters")]
    [InlineData("/#/experiments/7/runs/r1", "/api/", "zh-CN", "参数")]
    public async Task A_link_to_a_run_shows_it_after_the_login(string link, string api, string locale, string heading)
    {
        var (page, problems) = await browser.OpenAsync("/", locale);
        await page.RouteAsync("**/v1/auth/login", route => route.FulfillAsync(new RouteFulfillOptions { Json = new { accessToken = "t" } }));
        await page.RouteAsync($"**{api}2.0/mlflow/**", route => route.FulfillAsync(
            route.Request.Headers.GetValueOrDefault("authorization") != "Bearer t" ? new RouteFulfillOptions { Status = 401, Body = """{"message":"no"}""" }
                : new RouteFulfillOptions { Body = route.Request.Url.Contains("artifacts/list", StringComparison.Ordinal) ? """{"files":[{"path":"model","is_dir":true}]}""" : Run }));
        await page.GotoAsync(browser.Address + link);
        await page.Locator("input[type=text]").FillAsync("ada");
        await page.Locator("input[type=password]").FillAsync("secret");
        await page.Locator("form button").ClickAsync();
        await Expect(page.Locator("h1")).ToHaveTextAsync("<b>first</b>");
        await Expect(page.Locator("main")).ToContainTextAsync(heading);
        await Expect(page.Locator("main")).ToContainTextAsync("0.25");

        // What the machine measured comes last, apart from what the model did.
        var sections = await page.Locator("section").AllInnerTextsAsync();
        Assert.Contains("loss", sections[1], StringComparison.Ordinal);
        Assert.DoesNotContain("system/", sections[1], StringComparison.Ordinal);
        Assert.Contains("system/n0/cpu", sections[^1], StringComparison.Ordinal);

        // When it was measured, as people read it; and the status in their language.
        Assert.DoesNotContain("1700000001", sections[^1], StringComparison.Ordinal);
        Assert.Contains("2023", sections[^1], StringComparison.Ordinal);
        Assert.Contains(locale == "zh-CN" ? "已完成" : "Finished", sections[0], StringComparison.Ordinal);
        await Expect(page.Locator("button")).ToHaveTextAsync("model/");
        Assert.DoesNotContain(problems, static problem => !problem.Contains("401", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("en-US", "Experiments")]
    [InlineData("zh-CN", "实验")]
    public async Task The_landing_page_leads_to_experiments_their_runs_and_back(string locale, string heading)
    {
        var (page, problems) = await browser.OpenAsync("/", locale);
        await page.RouteAsync("**/api/2.0/mlflow/experiments/search", route => route.FulfillAsync(new RouteFulfillOptions { Body = """{"experiments":[{"experiment_id":"7","name":"digits"}]}""" }));
        await page.RouteAsync("**/api/2.0/mlflow/experiments/get**", route => route.FulfillAsync(new RouteFulfillOptions { Body = """{"experiment":{"name":"digits"}}""" }));
        await page.RouteAsync("**/api/2.0/mlflow/runs/search", route => route.FulfillAsync(new RouteFulfillOptions { Body = """{"runs":[{"info":{"run_id":"r1","run_name":"first","status":"RUNNING","user_id":"ada"}}]}""" }));
        await page.RouteAsync("**/api/2.0/mlflow/runs/get**", route => route.FulfillAsync(new RouteFulfillOptions { Body = Run }));
        await page.RouteAsync("**/api/2.0/mlflow/artifacts/list**", route => route.FulfillAsync(new RouteFulfillOptions { Body = """{"files":[]}""" }));
        await page.ClickAsync("a[href='#/experiments']");
        await Expect(page.Locator("h1")).ToHaveTextAsync(heading);
        await page.ClickAsync("a:text-is('digits')");
        await page.ClickAsync("a:text-is('first')");
        await Expect(page.Locator("main")).ToContainTextAsync("ada");
        await page.ClickAsync("a[href='#/experiments']");
        await page.ClickAsync("a[href='#/']");
        await Expect(page.Locator("a[href='/docs']")).ToBeVisibleAsync();
        Assert.Empty(problems);
    }

    [Fact]
    public async Task A_link_to_an_experiment_lists_its_runs()
    {
        var (page, _) = await browser.OpenAsync("/", "en-US");
        await page.RouteAsync("**/api/2.0/mlflow/experiments/get**", route => route.FulfillAsync(new RouteFulfillOptions { Body = """{"experiment":{"name":"digits"}}""" }));
        await page.RouteAsync("**/api/2.0/mlflow/runs/search", route => route.FulfillAsync(new RouteFulfillOptions { Body = """{"runs":[{"info":{"run_id":"r1","run_name":"first","status":"RUNNING","user_id":"ada"}}]}""" }));
        await page.GotoAsync($"{browser.Address}/#/experiments/7");
        await Expect(page.Locator("h1")).ToHaveTextAsync("digits");
        await Expect(page.Locator("table a")).ToHaveAttributeAsync("href", "#/experiments/7/runs/r1");
    }

    [Theory]
    [InlineData("#/experiments/999", "en-US", "There is no such page")]
    [InlineData("#/experiments/7/runs/none", "zh-CN", "没有这个页面")]
    [InlineData("#/models/digits/versions/1", "zh-CN", "没有这个页面")]
    public async Task A_link_to_what_is_not_there_says_so_in_the_language_of_the_reader_and_leads_back(string link, string locale, string heading)
    {
        var (page, _) = await browser.OpenAsync("/", locale);
        await page.RouteAsync("**/api/2.0/mlflow/**", route => route.FulfillAsync(new RouteFulfillOptions { Status = 404, Body = """{"message":"No Experiment with id=999 exists"}""" }));
        await page.GotoAsync($"{browser.Address}/{link}");
        await Expect(page.Locator("h1")).ToHaveTextAsync(heading);
        await Expect(page.Locator("main")).Not.ToContainTextAsync("No Experiment");
        await Expect(page.Locator("a[href='#/experiments']")).ToBeVisibleAsync();
    }
}
