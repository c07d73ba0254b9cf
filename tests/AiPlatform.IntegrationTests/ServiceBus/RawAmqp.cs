using System.Text;
using Amqp;
using Amqp.Framing;
using Amqp.Sasl;
using Amqp.Types;

namespace AiPlatform.IntegrationTests.ServiceBus;

/// <summary>What the SDKs do not let one say: the protocol itself, through a plain AMQP client.</summary>
internal static class RawAmqp
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>A message with an id of any type.</summary>
    public static Message Message(object id, string body)
    {
        var message = new Message { Properties = new Properties(), BodySection = new Amqp.Framing.Data { Binary = Encoding.UTF8.GetBytes(body) } };
        message.Properties.SetMessageId(id);
        return message;
    }

    /// <summary>Sends one message over a connection of its own.</summary>
    public static async Task SendAsync(int port, string key, string queue, Message message)
    {
        var (connection, session) = await ConnectAsync(port, key);
        var link = new SenderLink(session, "raw-sender", queue);
        await link.SendAsync(message, Patience);
        await connection.CloseAsync();
    }

    /// <summary>Rejects the next message with a reason of any length, and waits until that is over, one way or the other.</summary>
    public static async Task RejectAsync(int port, string key, string queue, string reason)
    {
        var (connection, session) = await ConnectAsync(port, key);
        var closed = new TaskCompletionSource<Error?>(TaskCreationOptions.RunContinuationsAsynchronously);
        connection.AddClosedCallback((_, error) => closed.TrySetResult(error));
        var link = new ReceiverLink(session, "raw-receiver", queue);
        var message = await link.ReceiveAsync(Patience);
        var info = new Fields { [new Symbol("DeadLetterReason")] = reason };
        link.Complete(message, new Rejected { Error = new Error("com.microsoft:dead-letter") { Info = info } });
        var error = await closed.Task.WaitAsync(Patience);
        Assert.Equal("amqp:connection:forced", error?.Condition.ToString());
        Assert.Contains("bytes came", error!.Description);
    }

    /// <summary>The condition with which a receiver with a filter is refused; null when it is not.</summary>
    public static async Task<string?> AttachWithFilterAsync(int port, string key, string queue, string name, string value)
    {
        var (connection, session) = await ConnectAsync(port, key);
        var closed = new TaskCompletionSource<Error?>(TaskCreationOptions.RunContinuationsAsynchronously);
        var source = new Source { Address = queue, FilterSet = new Map { [new Symbol(name)] = new DescribedValue(new Symbol(name), value) } };
        var link = new ReceiverLink(session, "raw-filter", source, null);
        link.AddClosedCallback((_, error) => closed.TrySetResult(error));
        var refused = await Task.WhenAny(closed.Task, Task.Delay(Patience)) == closed.Task;
        await connection.CloseAsync();
        return refused ? (await closed.Task)?.Condition.ToString() : null;
    }

    /// <summary>Holds a session and does nothing; the condition with which its link ends.</summary>
    public static async Task<string?> SessionEndAsync(int port, string key, string queue, string sessionId)
    {
        var (connection, session) = await ConnectAsync(port, key);
        var closed = new TaskCompletionSource<Error?>(TaskCreationOptions.RunContinuationsAsynchronously);
        var source = new Source { Address = queue, FilterSet = new Map { [new Symbol("com.microsoft:session-filter")] = sessionId } };
        var link = new ReceiverLink(session, "raw-session", source, null);
        link.AddClosedCallback((_, error) => closed.TrySetResult(error));
        var end = await closed.Task.WaitAsync(Patience);
        await connection.CloseAsync();
        return end?.Condition.ToString();
    }

    /// <summary>The status that a token gets, put over a connection of its own.</summary>
    public static async Task<int> PutTokenAsync(int port, string type, string token, string audience)
    {
        var factory = new ConnectionFactory();
        factory.SASL.Profile = SaslProfile.Anonymous;
        var connection = await factory.CreateAsync(new Address("127.0.0.1", port, null, null, "/", "AMQP"));
        try
        {
            return await PutTokenAsync(new Session(connection), type, token, audience);
        }
        finally
        {
            await connection.CloseAsync();
        }
    }

    /// <summary>The status that a token gets on a session; it is for its whole connection.</summary>
    public static async Task<int> PutTokenAsync(Session session, string type, string token, string audience)
    {
        var name = $"cbs-{Guid.NewGuid():N}";
        var answers = new ReceiverLink(session, name, new Attach { Source = new Source { Address = "$cbs" }, Target = new Target { Address = name } }, null);
        var requests = new SenderLink(session, name + "-requests", "$cbs");
        await requests.SendAsync(
            new Message(token)
            {
                Properties = new Properties { MessageId = name, ReplyTo = name },
                ApplicationProperties = new ApplicationProperties { ["operation"] = "put-token", ["type"] = type, ["name"] = audience },
            },
            Patience);
        var answer = await answers.ReceiveAsync(Patience) ?? throw new TimeoutException("The token got no answer.");
        answers.Accept(answer);
        await requests.CloseAsync();
        await answers.CloseAsync();
        return (int)answer.ApplicationProperties["status-code"];
    }

    private static async Task<(Connection Connection, Session Session)> ConnectAsync(int port, string key)
    {
        var factory = new ConnectionFactory();
        factory.SASL.Profile = null;
        var address = new Address("127.0.0.1", port, "RootManageSharedAccessKey", key, "/", "AMQP");
        var connection = await factory.CreateAsync(address);
        return (connection, new Session(connection));
    }
}
