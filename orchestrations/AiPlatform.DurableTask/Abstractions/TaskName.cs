namespace AiPlatform.DurableTask;

/// <summary>The name under which an orchestrator or an activity is registered. Comparison ignores case.</summary>
public readonly struct TaskName : IEquatable<TaskName>
{
    /// <param name="name">The name; null or empty makes the default value, which no task can have.</param>
    public TaskName(string name) => Name = name;

    /// <summary>The name as given; null for the default value.</summary>
    public string Name { get; }

    /// <summary>A string is a task name.</summary>
    public static implicit operator TaskName(string value) => string.IsNullOrEmpty(value) ? default : new(value);

    /// <summary>The name as text.</summary>
    public static implicit operator string(TaskName value) => value.Name;

    /// <summary>Equal but for case.</summary>
    public static bool operator ==(TaskName a, TaskName b) => a.Equals(b);

    /// <summary>Different, case ignored.</summary>
    public static bool operator !=(TaskName a, TaskName b) => !a.Equals(b);

    /// <summary>Makes a task name of text.</summary>
    public static TaskName FromString(string value) => value;

    /// <inheritdoc />
    public bool Equals(TaskName other) => string.Equals(Name, other.Name, StringComparison.OrdinalIgnoreCase);

    /// <inheritdoc />
    public override bool Equals(object? obj) => obj is TaskName other && Equals(other);

    /// <inheritdoc />
    public override int GetHashCode() => Name is null ? 0 : StringComparer.OrdinalIgnoreCase.GetHashCode(Name);

    /// <inheritdoc />
    public override string ToString() => Name ?? string.Empty;
}
