using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace AiPlatform.BrowserTests;

/// <summary>The pages that everybody sees, in both languages, while the database is away.</summary>
public sealed class PublicPagesTests(BrowserFixture browser) : IClassFixture<BrowserFixture>
{
    [Theory]
    [InlineData("en-US", "en", "AI Platform", "API reference")]
    [InlineData("zh-CN", "zh-CN", "AI 平台", "接口文档")]
    public async Task The_landing_page_speaks_the_visitors_language(string locale, string language, string title, string link)
    {
        var (page, problems) = await browser.OpenAsync("/", locale);

        Assert.Equal(title, await page.TitleAsync());
        Assert.Equal(language, await page.Locator("html").GetAttributeAsync("lang"));
        await Expect(page.Locator("a[href='/docs']")).ToContainTextAsync(link);
        Assert.Empty(problems);
    }

    [Fact]
    public async Task The_landing_page_leads_to_the_reference_which_shows_the_routes_and_loads_nothing_from_elsewhere()
    {
        var (page, problems) = await browser.OpenAsync("/", "en-US");

        await page.ClickAsync("a[href='/docs']");

        await page.WaitForURLAsync("**/docs**");

        // Sections are drawn when they come into sight.
        await page.GetByRole(AriaRole.Link, new PageGetByRoleOptions { Name = "Experiments", Exact = true }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Region, new PageGetByRoleOptions { Name = "Experiments", Exact = true })).ToBeVisibleAsync(new LocatorAssertionsToBeVisibleOptions { Timeout = 30_000 });
        Assert.Empty(problems);
    }
}
