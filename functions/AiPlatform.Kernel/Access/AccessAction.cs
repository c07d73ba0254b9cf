namespace AiPlatform.Kernel.Access;

/// <summary>
/// What a route does: <c>area.kind.verb</c>, such as <c>tracking.run.read</c>. Each area lists its own; who may do what is
/// <see cref="AccessRules"/>' to say, and which projects a caller reaches is a question of its own (<see cref="Reached{T}"/>).
/// </summary>
/// <param name="Kind">What it is done to, with its area: <c>tracking.run</c>.</param>
/// <param name="Verb">One of <see cref="Verbs"/>.</param>
public sealed record AccessAction(string Kind, string Verb)
{
    /// <summary>The action's name.</summary>
    public string Name => $"{Kind}.{Verb}";

    /// <inheritdoc />
    public override string ToString() => Name;
}
