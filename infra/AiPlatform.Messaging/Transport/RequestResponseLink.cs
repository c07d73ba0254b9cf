using System.Collections.Concurrent;
using System.Globalization;
using Amqp;
using Amqp.Framing;

namespace AiPlatform.Messaging.Transport;

/// <summary>A pair of links on which requests are answered by correlation id: <c>$cbs</c> and <c>$management</c>.</summary>
internal sealed class RequestResponseLink
{
    private const int ResponseCredit = 500;

    private readonly ConcurrentDictionary<string, TaskCompletionSource<Message>> _pending = new();
    private readonly string _replyTo;
    private readonly Session _session;
    private SenderLink _sender = null!;
    private ReceiverLink _receiver = null!;
    private long _nextId;

    private RequestResponseLink(Session session, string replyTo)
    {
        _session = session;
        _replyTo = replyTo;
    }

    internal bool IsOpen => !_session.IsClosed && !_sender.IsClosed && !_receiver.IsClosed;

    internal static async Task<RequestResponseLink> OpenAsync(Connection connection, string address, CancellationToken cancellationToken)
    {
        var session = new Session(connection);
        var replyTo = $"{address}-{Guid.NewGuid():N}";
        var link = new RequestResponseLink(session, replyTo);
        try
        {
            link._receiver = await LinkOpening.OpenReceiverAsync(
                session,
                replyTo,
                new Attach { Source = new Source { Address = address }, Target = new Target { Address = replyTo } },
                cancellationToken);
            link._receiver.AddClosedCallback((_, error) => link.FailPending(error));
            link._receiver.Start(ResponseCredit, link.OnResponse);
            link._sender = await LinkOpening.OpenSenderAsync(
                session,
                $"{replyTo}-requests",
                new Attach { Source = new Source { Address = replyTo }, Target = new Target { Address = address } },
                null,
                cancellationToken);
            return link;
        }
        catch
        {
            _ = LinkOpening.CloseAsync(session);
            throw;
        }
    }

    internal Task CloseAsync() => LinkOpening.CloseAsync(_session);

    /// <summary>Sends a request and waits for its answer. Its message id and reply-to are set here.</summary>
    internal async Task<Message> SendAsync(Message request, CancellationToken cancellationToken, DeliveryState? state = null)
    {
        var id = Interlocked.Increment(ref _nextId).ToString(CultureInfo.InvariantCulture);
        request.Properties ??= new Properties();
        request.Properties.MessageId = id;
        request.Properties.ReplyTo = _replyTo;
        var answer = new TaskCompletionSource<Message>(TaskCreationOptions.RunContinuationsAsynchronously);
        _pending[id] = answer;
        try
        {
            _sender.Send(
                request,
                state,
                (_, _, outcome, _) =>
                {
                    if (outcome is Rejected rejected)
                    {
                        answer.TrySetException(new AmqpException(rejected.Error ?? new Error(ErrorCode.InternalError)));
                    }
                    else if (outcome is Released)
                    {
                        answer.TrySetException(new AmqpException(new Error(ErrorCode.DetachForced)));
                    }
                },
                null);
            return await answer.Task.WaitAsync(cancellationToken);
        }
        finally
        {
            _pending.TryRemove(id, out _);
        }
    }

    /// <summary>The status code of an answer: management uses <c>statusCode</c>, <c>$cbs</c> uses <c>status-code</c>.</summary>
    internal static (int Status, string? Condition, string? Description) ReadStatus(Message response)
    {
        var properties = response.ApplicationProperties?.Map;
        object? Find(string first, string second) => properties is null ? null : properties[first] ?? properties[second];
        var status = Find("status-code", "statusCode") is { } code ? Convert.ToInt32(code, CultureInfo.InvariantCulture) : 500;
        return (status, Find("error-condition", "errorCondition")?.ToString(), Find("status-description", "statusDescription")?.ToString());
    }

    private void OnResponse(IReceiverLink link, Message message)
    {
        link.Accept(message);
        var id = (message.Properties?.GetCorrelationId() ?? message.Properties?.GetMessageId())?.ToString();
        if (id is not null && _pending.TryRemove(id, out var answer))
        {
            answer.TrySetResult(message);
        }
    }

    private void FailPending(Error? error)
    {
        foreach (var id in _pending.Keys)
        {
            if (_pending.TryRemove(id, out var answer))
            {
                answer.TrySetException(new AmqpException(error ?? new Error(ErrorCode.DetachForced)));
            }
        }
    }
}
