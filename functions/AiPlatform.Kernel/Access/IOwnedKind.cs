namespace AiPlatform.Kernel.Access;

/// <summary>
/// A kind of thing that belongs to a project and is addressed by its id alone: in event topics, and as an orchestration where one of the same
/// id carries it. Register with <c>services.AddSingleton&lt;IOwnedKind&gt;(new OwnedKind(…))</c>.
/// </summary>
public interface IOwnedKind
{
    /// <summary>Its name in topics, such as <c>job</c>.</summary>
    string Kind { get; }

    /// <summary>The table, with <c>id</c> and <c>project_id</c>.</summary>
    string Table { get; }

    /// <summary>Whether live events about it can be listened to.</summary>
    bool HasEvents { get; }

    /// <summary>Whether an orchestration of the same id carries it.</summary>
    bool IsInstance { get; }
}

/// <summary>A kind of thing that belongs to a project.</summary>
/// <param name="Kind">Its name in topics.</param>
/// <param name="Table">The table.</param>
/// <param name="HasEvents">Whether live events about it can be listened to.</param>
/// <param name="IsInstance">Whether an orchestration of the same id carries it.</param>
public sealed record OwnedKind(string Kind, string Table, bool HasEvents = false, bool IsInstance = false) : IOwnedKind;
