using System.Net.Sockets;
using System.Security.Authentication;
using Amqp;
using Amqp.Framing;

namespace AiPlatform.Messaging.Transport;

/// <summary>Turns AMQP errors, status codes and socket failures into <see cref="ServiceBusException"/>.</summary>
internal static class AmqpErrors
{
    internal static Exception Translate(Exception exception, string? entityPath) => exception switch
    {
        ServiceBusException or UnauthorizedAccessException => exception,
        AmqpException amqp => FromError(amqp.Error, entityPath, amqp),
        TimeoutException => new ServiceBusException(exception.Message, ServiceBusFailureReason.ServiceTimeout, entityPath, exception),
        SocketException or IOException or ObjectDisposedException or OperationCanceledException or InvalidOperationException or AuthenticationException
            => new ServiceBusException(exception.Message, ServiceBusFailureReason.ServiceCommunicationProblem, entityPath, exception),
        _ => new ServiceBusException(exception.Message, ServiceBusFailureReason.GeneralError, entityPath, exception),
    };

    internal static Exception FromError(Error? error, string? entityPath, Exception? inner = null)
    {
        var text = error?.Description ?? inner?.Message ?? "The link was closed.";
        return FromCondition((string?)error?.Condition, text, entityPath, inner);
    }

    /// <summary>Translates the answer of a management or <c>$cbs</c> request.</summary>
    internal static Exception FromStatus(int status, string? condition, string? description, string entityPath)
    {
        var text = description ?? $"The broker answered {status}.";
        if (condition is not null)
        {
            return FromCondition(condition, text, entityPath, null);
        }

        return status switch
        {
            401 => new UnauthorizedAccessException(text),
            404 => new ServiceBusException(text, ServiceBusFailureReason.MessagingEntityNotFound, entityPath),
            408 or 504 => new ServiceBusException(text, ServiceBusFailureReason.ServiceTimeout, entityPath),
            410 => new ServiceBusException(text, ServiceBusFailureReason.MessageLockLost, entityPath),
            503 => new ServiceBusException(text, ServiceBusFailureReason.ServiceBusy, entityPath),
            >= 500 => new ServiceBusException(isTransient: true, text, entityPath),
            _ => new ServiceBusException(text, ServiceBusFailureReason.GeneralError, entityPath),
        };
    }

    private static Exception FromCondition(string? condition, string text, string? entityPath, Exception? inner)
    {
        if (condition == ErrorCode.UnauthorizedAccess)
        {
            return new UnauthorizedAccessException(text, inner);
        }

        ServiceBusFailureReason? reason = condition switch
        {
            ErrorCode.NotFound => ServiceBusFailureReason.MessagingEntityNotFound,
            ErrorCode.MessageSizeExceeded => ServiceBusFailureReason.MessageSizeExceeded,
            ErrorCode.ResourceLimitExceeded => ServiceBusFailureReason.QuotaExceeded,
            ServiceBusAmqp.Timeout => ServiceBusFailureReason.ServiceTimeout,
            ServiceBusAmqp.ServerBusy => ServiceBusFailureReason.ServiceBusy,
            ServiceBusAmqp.MessageLockLost => ServiceBusFailureReason.MessageLockLost,
            ServiceBusAmqp.MessageNotFound => ServiceBusFailureReason.MessageNotFound,
            ServiceBusAmqp.SessionLockLost => ServiceBusFailureReason.SessionLockLost,
            ServiceBusAmqp.SessionCannotBeLocked => ServiceBusFailureReason.SessionCannotBeLocked,
            ServiceBusAmqp.EntityDisabled => ServiceBusFailureReason.MessagingEntityDisabled,
            ServiceBusAmqp.EntityAlreadyExists => ServiceBusFailureReason.MessagingEntityAlreadyExists,

            // What the library and the service say when a connection, session or link ended under the operation.
            null or ErrorCode.ConnectionForced or ErrorCode.DetachForced or ErrorCode.IllegalState or ErrorCode.ConnectionRedirect
                or ErrorCode.Stolen or ErrorCode.MessageReleased or "amqp:not-allowed:closed" => ServiceBusFailureReason.ServiceCommunicationProblem,
            _ => null,
        };
        return reason is { } known
            ? new ServiceBusException(text, known, entityPath, inner)
            : new ServiceBusException(isTransient: condition == ErrorCode.InternalError, $"{condition}: {text}", entityPath, innerException: inner);
    }
}
