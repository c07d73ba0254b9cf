using System.Net.Http.Json;

namespace AiPlatform.TaskHub.Cli.Commands;

/// <summary>Commands about poison work, which our hub parks. Its list is not of the protocol: the hub's HTTP port has it.</summary>
internal static class ParkedCommands
{
    public static async Task<int> ListAsync(Session session)
    {
        var address = session.Arguments.Option("http") ?? throw new UsageException("--http ADDRESS names the hub's HTTP port.");
        if (!Uri.TryCreate(address, UriKind.Absolute, out var hub))
        {
            throw new UsageException($"'{address}' is not an address.");
        }

        using var http = new HttpClient { BaseAddress = hub };
        if (session.Hub.Address.AccessKey is { } key)
        {
            http.DefaultRequestHeaders.Authorization = new("Bearer", key);
        }

        try
        {
            var query = session.Arguments.Option("hub") is { } name ? $"?hub={Uri.EscapeDataString(name)}" : string.Empty;
            foreach (var item in (await http.GetFromJsonAsync<Item[]>($"/stuck{query}", session.Cancelled) ?? []).Where(item => item.Status == "parked"))
            {
                await session.RowAsync(item.InstanceId, item.Since, item.Reason);
            }

            return 0;
        }
        catch (HttpRequestException exception)
        {
            throw new InvalidOperationException(exception.Message, exception);
        }
    }

    public static async Task<int> ResumeAsync(Session session)
    {
        await session.Client.ResumeInstanceAsync(session.Arguments.Operand(0, "The instance id"), "taskhub resume", session.Cancelled);
        return 0;
    }

    private sealed record Item(string InstanceId, string Status, string Reason, DateTimeOffset Since);
}
