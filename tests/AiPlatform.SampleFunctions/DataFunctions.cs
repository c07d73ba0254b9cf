using System.Net;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Http;

namespace AiPlatform.SampleFunctions;

/// <summary>The worker's own model of requests and answers, which needs no ASP.NET Core.</summary>
public static class DataFunctions
{
    /// <summary>Gives back what it was given.</summary>
    [Function("data")]
    public static async Task<HttpResponseData> DataAsync([HttpTrigger(AuthorizationLevel.Anonymous, "post", "get", Route = "data/{id}")] HttpRequestData request, string id)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (id == "boom")
        {
            throw new InvalidOperationException("boom");
        }

        using var reader = new StreamReader(request.Body);
        var answer = request.CreateResponse(HttpStatusCode.Created);
        answer.Headers.Add("x-answer", "yes");
        await answer.WriteStringAsync($"{request.Method} {id} {request.Query["q"]} {await reader.ReadToEndAsync()}");
        return answer;
    }
}
