namespace AiPlatform.ServiceBusEmulator.Filters;

/// <summary>A rule ready to be applied to messages.</summary>
internal sealed class SubscriptionRule
{
    private const int MaxNameLength = 50;

    private static readonly Dictionary<string, object> NoParameters = [];

    private readonly SqlExpression? _condition;
    private readonly List<KeyValuePair<string, object>> _applicationProperties;
    private readonly List<Action<FilteredMessage>>? _action;

    /// <exception cref="FilterException">The definition is not valid.</exception>
    internal SubscriptionRule(RuleDefinition definition)
    {
        if (definition.Name.Length is 0 or > MaxNameLength || definition.Name.IndexOfAny(['/', '\\', '?', '#', '@']) >= 0)
        {
            throw new FilterException($"A rule's name has 1 to {MaxNameLength} characters and none of / \\ ? # @.");
        }

        Definition = definition;
        _condition = definition.Kind == RuleFilterKind.Sql
            ? SqlParser.ParseFilter(definition.SqlExpression ?? throw new FilterException("The SQL filter has no expression."), Objects(definition.SqlParameters))
            : null;
        _applicationProperties = [.. Objects(definition.ApplicationProperties)];
        if (definition.Kind == RuleFilterKind.Correlation)
        {
            if (_applicationProperties.Count == 0 && definition.SystemProperties is not { Count: > 0 })
            {
                throw new FilterException("The correlation filter names no property.");
            }

            foreach (var name in definition.SystemProperties?.Keys ?? [])
            {
                _ = FilteredMessage.IsSystemProperty(name) ? name : throw new FilterException($"There is no system property '{name}'.");
            }
        }

        _action = string.IsNullOrWhiteSpace(definition.ActionExpression)
            ? null
            : SqlParser.ParseAction(definition.ActionExpression, Objects(definition.ActionParameters));
    }

    internal RuleDefinition Definition { get; }

    /// <summary>Whether a match makes a changed copy of its own.</summary>
    internal bool HasAction => _action is not null;

    /// <summary>Whether every message matches; such a message need not be decoded.</summary>
    internal bool MatchesAll => Definition.Kind == RuleFilterKind.True;

    /// <exception cref="FilterException">The filter cannot be evaluated for this message.</exception>
    internal bool IsMatch(FilteredMessage message) => Definition.Kind switch
    {
        RuleFilterKind.True => true,
        RuleFilterKind.False => false,
        RuleFilterKind.Sql => SqlOperators.Truth(_condition!(message)) == true,
        RuleFilterKind.Correlation => Correlates(message),
        _ => throw new InvalidOperationException($"Filters of kind {Definition.Kind} are not known."),
    };

    /// <summary>Applies the action.</summary>
    /// <exception cref="FilterException">It cannot be applied to this message.</exception>
    internal void Apply(FilteredMessage message) => _action?.ForEach(statement => statement(message));

    private static Dictionary<string, object> Objects(IReadOnlyDictionary<string, TypedValue>? values)
        => values?.ToDictionary(pair => pair.Key, pair => pair.Value.ToObject()) ?? NoParameters;

    private static bool AreEqual(object expected, object actual)
    {
        try
        {
            return SqlOperators.AreEqual(expected, actual);
        }
        catch (FilterException)
        {
            // A correlation filter asks for equality only: values of different kinds are not equal.
            return false;
        }
    }

    private bool Correlates(FilteredMessage message)
    {
        foreach (var (name, expected) in Definition.SystemProperties ?? new Dictionary<string, string>())
        {
            if (!expected.Equals(message.GetSystem(name) as string, StringComparison.Ordinal))
            {
                return false;
            }
        }

        return _applicationProperties.TrueForAll(pair => message.GetUser(pair.Key) is { } actual && AreEqual(pair.Value, actual));
    }
}
