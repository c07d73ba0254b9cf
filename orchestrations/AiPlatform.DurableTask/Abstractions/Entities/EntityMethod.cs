using System.Reflection;
using System.Runtime.ExceptionServices;

namespace AiPlatform.DurableTask.Entities;

/// <summary>The method that an operation's name stands for.</summary>
internal sealed class EntityMethod(object target, MethodInfo method)
{
    private const BindingFlags Public = BindingFlags.Public | BindingFlags.Instance | BindingFlags.IgnoreCase;

    /// <summary>The method of that name; null when there is none, or only one that every object or entity has.</summary>
    /// <exception cref="AmbiguousMatchException">There are several.</exception>
    public static EntityMethod? Find(object target, string name)
        => target.GetType().GetMethod(name, Public) is { IsSpecialName: false } method && !IsInherited(method) ? new(target, method) : null;

    /// <summary>Binds the parameters and runs it, to its end.</summary>
    /// <exception cref="InvalidOperationException">A parameter cannot be bound.</exception>
    public async ValueTask<object?> InvokeAsync(TaskEntityOperation operation)
    {
        object? returned;
        try
        {
            returned = method.Invoke(target, Bind(operation));
        }
        catch (TargetInvocationException exception) when (exception.InnerException is { } cause)
        {
            ExceptionDispatchInfo.Throw(cause);
            throw;
        }

        return returned switch
        {
            Task task => await ResultAsync(task),
            ValueTask task => await ResultAsync(task.AsTask()),
            not null when IsValueTask(method.ReturnType) => await ResultAsync((Task)method.ReturnType.GetMethod(nameof(ValueTask.AsTask))!.Invoke(returned, null)!),
            _ => returned,
        };
    }

    private static bool IsInherited(MethodInfo method)
        => method.DeclaringType == typeof(object) || (method.DeclaringType is { IsGenericType: true } type && type.GetGenericTypeDefinition() == typeof(TaskEntity<>));

    private static bool IsValueTask(Type type) => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ValueTask<>);

    private async Task<object?> ResultAsync(Task task)
    {
        await task;
        return method.ReturnType.IsGenericType ? task.GetType().GetProperty(nameof(Task<object>.Result))!.GetValue(task) : null;
    }

    private object?[] Bind(TaskEntityOperation operation)
    {
        var parameters = method.GetParameters();
        var repeated = parameters.GroupBy(KindOf).FirstOrDefault(group => group.Count() > 1);
        return repeated is null
            ? [.. parameters.Select(parameter => Value(parameter, operation))]
            : throw new InvalidOperationException($"'{method.Name}' has more than one parameter for the {repeated.Key} of '{operation}'.");
    }

    private static string KindOf(ParameterInfo parameter)
        => parameter.ParameterType == typeof(TaskEntityContext) ? "context" : parameter.ParameterType == typeof(TaskEntityOperation) ? "operation" : "input";

    private static object? Value(ParameterInfo parameter, TaskEntityOperation operation) => KindOf(parameter) switch
    {
        "context" => operation.Context,
        "operation" => operation,
        _ when operation.HasInput => operation.GetInput(parameter.ParameterType),
        _ when parameter.HasDefaultValue => parameter.DefaultValue,
        _ => throw new InvalidOperationException($"'{operation}' needs an input for '{parameter.Name}', and none was given."),
    };
}
