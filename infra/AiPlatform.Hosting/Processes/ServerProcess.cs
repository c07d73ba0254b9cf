using System.Net.Sockets;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace AiPlatform.Hosting.Processes;

/// <summary>The life of a server's process, from its settings to its exit code.</summary>
public static class ServerProcess
{
    /// <summary>
    /// Builds the server and runs it until it is asked to stop. What its user can mend, settings above all, is said on standard error, a line each;
    /// anything else is a fault of the program, with its stack.
    /// </summary>
    /// <returns>0 when it was stopped; 1 when it could not start.</returns>
    public static async Task<int> RunAsync(Func<IHost> build)
    {
        try
        {
            await build().RunAsync().ConfigureAwait(false);
            return 0;
        }
        catch (Exception exception) when (Explain(exception) is { } reasons)
        {
            foreach (var reason in reasons)
            {
                await Console.Error.WriteLineAsync($"{AppDomain.CurrentDomain.FriendlyName} cannot start: {reason}").ConfigureAwait(false);
            }

            return 1;
        }
    }

    private static IEnumerable<string>? Explain(Exception exception) => exception switch
    {
        OptionsValidationException invalid => invalid.Failures,
        AggregateException { InnerExceptions: var all } when all.All(static one => one is OptionsValidationException)
            => all.Cast<OptionsValidationException>().SelectMany(static invalid => invalid.Failures),
        MissingSettingException missing => [missing.Message],
        IOException { InnerException.InnerException: SocketException { SocketErrorCode: SocketError.AddressAlreadyInUse } } => [exception.Message],
        _ => null,
    };
}
