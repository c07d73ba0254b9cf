using System.Net;
using AiPlatform.Client;
using Microsoft.DurableTask;

namespace AiPlatform.Orchestrations.Platform;

/// <summary>
/// An activity that calls the platform. What the platform refuses for good becomes <see cref="PlatformRefusedException"/>,
/// which no retry policy repeats; everything else may pass.
/// </summary>
public abstract class PlatformActivity<TInput, TOutput> : TaskActivity<TInput, TOutput>
{
    /// <inheritdoc />
    public sealed override async Task<TOutput> RunAsync(TaskActivityContext context, TInput input)
    {
        try
        {
            return await CallAsync(input);
        }
        catch (ApiException exception) when (!exception.IsTransient && exception.Status != HttpStatusCode.Unauthorized)
        {
            throw new PlatformRefusedException(exception.Message, exception);
        }
    }

    /// <summary>Does the work; it may be done more than once.</summary>
    protected abstract Task<TOutput> CallAsync(TInput input);
}
