using AiPlatform.FunctionsHost.Rpc;

namespace AiPlatform.FunctionsHost.Http;

/// <summary>An invocation whose request is being forwarded.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Result">Its result, which comes beside the answer.</param>
internal sealed record HttpInvocation(string Id, Task<InvocationResponse> Result)
{
    /// <summary>The header by which a worker finds the invocation of a request.</summary>
    public const string Header = "x-ms-invocation-id";

    // The answer has ended: the result is on its way.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Whether the function failed; waits for its result, which follows the answer at once.</summary>
    public async Task<bool> HasFailedAsync()
    {
        try
        {
            var result = await Result.WaitAsync(Patience);
            return result.Result?.Status == StatusResult.Types.Status.Failure;
        }
        catch (Exception exception) when (exception is TimeoutException or WorkerLostException)
        {
            return true;
        }
    }
}
