namespace AiPlatform.Kernel.Access;

/// <summary>
/// A kind of thing that belongs to a project and is addressed by its id alone: in event topics, and as an orchestration where one of the same
/// id carries it. Register with <c>services.AddSingleton(new OwnedKind(…))</c>.
/// </summary>
/// <param name="Kind">Its name in topics, such as <c>job</c>.</param>
/// <param name="Table">The table, with <c>id</c> and <c>project_id</c>.</param>
/// <param name="HasEvents">Whether live events about it can be listened to.</param>
/// <param name="IsInstance">Whether an orchestration of the same id carries it.</param>
public sealed record OwnedKind(string Kind, string Table, bool HasEvents = false, bool IsInstance = false);
