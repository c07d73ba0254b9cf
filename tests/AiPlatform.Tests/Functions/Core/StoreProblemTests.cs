using AiPlatform.Kernel.Errors;
using Azure;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;

namespace AiPlatform.Tests.Functions.Core;

/// <summary>A blob store that is away or full is a reason to try again, and no fault of the platform's own.</summary>
public sealed class StoreProblemTests
{
    [Theory]
    [InlineData(0, 503)]
    [InlineData(429, 503)]
    [InlineData(500, 503)]
    [InlineData(503, 503)]
    [InlineData(403, 500)]
    [InlineData(409, 500)]
    public async Task What_the_store_answers_decides(int status, int expected)
    {
        Assert.Equal(expected, await AnswerAsync(new RequestFailedException(status, "the store's own words")));
        Assert.Equal(expected, await AnswerAsync(new AggregateException("Retry failed after 4 tries.", new RequestFailedException(status, "one"), new RequestFailedException(status, "two"))));
    }

    [Fact]
    public async Task Other_failures_stay_unexpected() => Assert.Equal(500, await AnswerAsync(new AggregateException(new FormatException())));

    private static async Task<int> AnswerAsync(Exception exception)
    {
        var context = new DefaultHttpContext { Response = { Body = new MemoryStream() } };
        await new Problems(_ => throw exception, NullLogger<Problems>.Instance).InvokeAsync(context);
        context.Response.Body.Position = 0;
        Assert.DoesNotContain("own words", await new StreamReader(context.Response.Body).ReadToEndAsync(), StringComparison.Ordinal);
        return context.Response.StatusCode;
    }
}
