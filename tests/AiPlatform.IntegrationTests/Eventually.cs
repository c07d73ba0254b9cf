using System.Diagnostics;

namespace AiPlatform.IntegrationTests;

/// <summary>Waits for something to become true, with a deadline, and says what did not.</summary>
public static class Eventually
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    /// <summary>Polls until the condition holds.</summary>
    public static async Task TrueAsync(Func<Task<bool>> condition, string what, TimeSpan? deadline = null)
    {
        var clock = Stopwatch.StartNew();
        Exception? last = null;
        while (clock.Elapsed < (deadline ?? Deadline))
        {
            try
            {
                if (await condition())
                {
                    return;
                }
            }
            catch (Exception exception) when (exception is HttpRequestException or IOException or TaskCanceledException)
            {
                last = exception;
            }

            await Task.Delay(20);
        }

        throw new TimeoutException($"It did not happen in time that {what}.", last);
    }
}
