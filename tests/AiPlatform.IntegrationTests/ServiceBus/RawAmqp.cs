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

    /// <summary>
    /// The status that a token gets when the request names no reply-to, as Python's SDK sends it, on each of two sessions of a connection: the answer comes on the
    /// link of the same session that comes from the node.
    /// </summary>
    public static async Task<int[]> PutTokensWithoutReplyToAsync(int port, string type, string token, string audience)
    {
        var factory = new ConnectionFactory();
        factory.SASL.Profile = SaslProfile.Anonymous;
        var connection = await factory.CreateAsync(new Address("127.0.0.1", port, null, null, "/", "AMQP"));
        try
        {
            var links = Enumerable.Range(0, 2).Select(i => (Session: new Session(connection), Number: i)).Select(place => (
                Answers: new ReceiverLink(place.Session, $"cbs-receiver-{place.Number}", new Attach { Source = new Source { Address = "$cbs" }, Target = new Target { Address = "$cbs" } }, null),
                Requests: new SenderLink(place.Session, $"cbs-sender-{place.Number}", "$cbs"))).ToList();
            var statuses = new List<int>();
            foreach (var (answers, requests) in links)
            {
                var message = new Message(token) { Properties = new Properties(), ApplicationProperties = new ApplicationProperties { ["operation"] = "put-token", ["type"] = type, ["name"] = audience } };
                message.Properties.SetMessageId(0UL);
                await requests.SendAsync(message, Patience);
                var answer = await answers.ReceiveAsync(Patience) ?? throw new TimeoutException("The token got no answer.");
                Assert.Equal(0UL, answer.Properties.GetCorrelationId());
                answers.Accept(answer);
                statuses.Add((int)answer.ApplicationProperties["status-code"]);
            }

            return [.. statuses];
        }
        finally
        {
            await connection.CloseAsync();
        }
    }

    /// <summary>Receives as Python's SDK attaches its receivers: the address is a whole URL, and the link has properties and settles in two steps.</summary>
    public static async Task<string> ReceiveAsPythonDoesAsync(int port, string key, string queue)
    {
        var (connection, session) = await ConnectAsync(port, key);
        var attach = new Attach
        {
            Source = new Source { Address = $"amqps://127.0.0.1/{queue}" }, Target = new Target { Address = "SBReceiver-1" }, SndSettleMode = SenderSettleMode.Unsettled,
            RcvSettleMode = ReceiverSettleMode.Second, MaxMessageSize = 1_048_576, Properties = new Fields { [new Symbol("com.microsoft:receiver-name")] = "SBReceiver-1" },
        };
        var link = new ReceiverLink(session, "raw-python", attach, null);
        var message = await link.ReceiveAsync(Patience) ?? throw new TimeoutException("No message came.");
        link.Accept(message);
        await connection.CloseAsync();
        return message.Body is byte[] bytes ? Encoding.UTF8.GetString(bytes) : (string)message.Body;
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
