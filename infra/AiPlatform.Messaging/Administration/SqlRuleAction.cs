namespace AiPlatform.Messaging.Administration;

/// <summary>Changes the copy of a message that a rule selected.</summary>
public sealed class SqlRuleAction(string sqlExpression)
{
    /// <summary>The statements, such as <c>SET color = 'blue'</c>.</summary>
    public string SqlExpression { get; } = sqlExpression;
}
