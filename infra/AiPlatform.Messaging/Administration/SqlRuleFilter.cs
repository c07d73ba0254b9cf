using System.Xml.Linq;

namespace AiPlatform.Messaging.Administration;

/// <summary>Selects messages by a condition in the SQL dialect of subscription rules.</summary>
public class SqlRuleFilter(string sqlExpression) : RuleFilter
{
    /// <summary>The condition.</summary>
    public string SqlExpression { get; } = sqlExpression;

    /// <summary>Values of the parameters in the condition, such as <c>@color</c>.</summary>
    public IDictionary<string, object> Parameters { get; } = new Dictionary<string, object>();

    internal override XElement Write() => AtomElement.Typed(
        "Filter", "SqlFilter", new XElement(AtomElement.ServiceBus + "SqlExpression", SqlExpression), AtomElement.Map("Parameters", Parameters));
}

/// <summary>Selects every message.</summary>
public sealed class TrueRuleFilter() : SqlRuleFilter("1=1")
{
    internal override XElement Write() => AtomElement.Typed("Filter", "TrueFilter", new XElement(AtomElement.ServiceBus + "SqlExpression", SqlExpression));
}

/// <summary>Selects no message.</summary>
public sealed class FalseRuleFilter() : SqlRuleFilter("1=0")
{
    internal override XElement Write() => AtomElement.Typed("Filter", "FalseFilter", new XElement(AtomElement.ServiceBus + "SqlExpression", SqlExpression));
}
