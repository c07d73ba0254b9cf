using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using AiPlatform.IntegrationTests.TaskHub;

namespace AiPlatform.IntegrationTests.ServiceBus;

/// <summary>A consumer with the official JavaScript SDK in a process of its own, to be killed; what it says goes to the ledger.</summary>
internal sealed class ConsumerProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly Task _reading;

    private ConsumerProcess(Process process, DeliveryLedger ledger)
    {
        _process = process;
        _reading = Task.WhenAll(ReadAsync(process.StandardOutput, ledger), process.StandardError.ReadToEndAsync());
    }

    public static ConsumerProcess Start(string connectionString, string queue, int seed, TimeSpan lockDuration, DeliveryLedger ledger)
    {
        string[] arguments = [connectionString, queue, $"{seed}", lockDuration.TotalMilliseconds.ToString(CultureInfo.InvariantCulture)];
        return new ConsumerProcess(Conformance.Start(Path.Combine("support", "consumer.mjs"), arguments), ledger);
    }

    /// <summary>SIGKILL; returns when everything that it said before is in the ledger.</summary>
    public async ValueTask DisposeAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        await _reading;
        _process.Dispose();
    }

    private static async Task ReadAsync(StreamReader reader, DeliveryLedger ledger)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            using var said = JsonDocument.Parse(line);
            var id = said.RootElement.GetProperty("id").GetString()!;
            switch (said.RootElement.GetProperty("event").GetString())
            {
                case "received":
                    ledger.Received(id, Time(said, "deliveredAt"));
                    break;
                case "completing":
                    ledger.Completing(id);
                    break;
                case "completed":
                    ledger.Completed(id, Time(said, "at"));
                    break;
            }
        }
    }

    private static DateTimeOffset Time(JsonDocument said, string name) => DateTimeOffset.FromUnixTimeMilliseconds(said.RootElement.GetProperty(name).GetInt64());
}
