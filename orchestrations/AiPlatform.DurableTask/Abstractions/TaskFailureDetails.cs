using P = AiPlatform.DurableTask.Protobuf;

namespace AiPlatform.DurableTask;

/// <summary>Why an activity or orchestration failed, in a form that crosses processes and languages.</summary>
/// <param name="ErrorType">The full name of the exception type, or a name that another language chose.</param>
/// <param name="ErrorMessage">The message.</param>
/// <param name="StackTrace">The stack trace, if known.</param>
/// <param name="InnerFailure">The cause, if known.</param>
public sealed record TaskFailureDetails(string ErrorType, string ErrorMessage, string? StackTrace, TaskFailureDetails? InnerFailure)
{
    private const int MaxDepth = 16;

    /// <summary>True when a retry cannot help.</summary>
    public bool IsNonRetriable { get; init; }

    /// <summary>True when the failure was an exception of the given type, or of one derived from it.</summary>
    public bool IsCausedBy<TException>()
        where TException : Exception => IsCausedBy(typeof(TException));

    /// <summary>True when the failure was an exception of the given type, or of one derived from it.</summary>
    /// <exception cref="ArgumentException">The type is not that of an exception.</exception>
    public bool IsCausedBy(Type targetBaseExceptionType)
        => !typeof(Exception).IsAssignableFrom(targetBaseExceptionType)
            ? throw new ArgumentException($"{targetBaseExceptionType} is not an exception.", nameof(targetBaseExceptionType))
            : ErrorType == targetBaseExceptionType.FullName || (FindType(ErrorType) is { } type && targetBaseExceptionType.IsAssignableFrom(type));

    /// <inheritdoc />
    public override string ToString() => $"{ErrorType}: {ErrorMessage}";

    /// <summary>Describes an exception; that of a failed task describes the task's own failure as the cause.</summary>
    public static TaskFailureDetails FromException(Exception exception) => FromException(exception, 0);

    internal static TaskFailureDetails? FromProto(P.TaskFailureDetails? details) => details is null
        ? null
        : new(details.ErrorType, details.ErrorMessage, details.StackTrace, FromProto(details.InnerFailure)) { IsNonRetriable = details.IsNonRetriable };

    internal P.TaskFailureDetails ToProto() => new()
    {
        ErrorType = ErrorType,
        ErrorMessage = ErrorMessage,
        StackTrace = StackTrace,
        InnerFailure = InnerFailure?.ToProto(),
        IsNonRetriable = IsNonRetriable,
    };

    private static TaskFailureDetails FromException(Exception exception, int depth)
    {
        var inner = exception switch
        {
            TaskFailedException failed => failed.FailureDetails,
            { InnerException: { } cause } when depth < MaxDepth => FromException(cause, depth + 1),
            _ => null,
        };
        return new(exception.GetType().FullName ?? exception.GetType().Name, exception.Message, exception.StackTrace, inner);
    }

    private static Type? FindType(string name)
    {
        try
        {
            return Type.GetType(name) ?? AppDomain.CurrentDomain.GetAssemblies().Select(assembly => assembly.GetType(name)).FirstOrDefault(type => type is not null);
        }
        catch (Exception exception) when (exception is ArgumentException or FileLoadException or BadImageFormatException)
        {
            // A name from another language need not be a legal type name here.
            return null;
        }
    }
}

/// <summary>An activity or sub-orchestration failed; thrown in the orchestrator where it awaits the call.</summary>
public sealed class TaskFailedException : Exception
{
    /// <param name="taskName">The task that failed.</param>
    /// <param name="taskId">Its id within the orchestration.</param>
    /// <param name="failureDetails">Why.</param>
    public TaskFailedException(string taskName, int taskId, TaskFailureDetails failureDetails)
        : base($"Task '{taskName}' (#{taskId}) failed with an unhandled exception: {failureDetails.ErrorMessage}")
    {
        TaskName = taskName;
        TaskId = taskId;
        FailureDetails = failureDetails;
    }

    /// <summary>The task that failed.</summary>
    public string TaskName { get; }

    /// <summary>Its id within the orchestration.</summary>
    public int TaskId { get; }

    /// <summary>Why it failed.</summary>
    public TaskFailureDetails FailureDetails { get; }
}
