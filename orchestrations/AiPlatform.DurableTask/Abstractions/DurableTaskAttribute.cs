namespace AiPlatform.DurableTask;

/// <summary>Gives an orchestrator or activity class a name other than the class name.</summary>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = false)]
public sealed class DurableTaskAttribute(string? name = null) : Attribute
{
    /// <summary>The registered name.</summary>
    public TaskName Name { get; } = name is null ? default : new TaskName(name);
}
