using System.Xml.Linq;

namespace AiPlatform.Messaging.Administration;

/// <summary>A rule of a subscription.</summary>
public class RuleProperties
{
    /// <summary>The rule that a subscription has when none is given.</summary>
    public const string DefaultRuleName = "$Default";

    /// <summary>Creates a rule.</summary>
    public RuleProperties(string name, RuleFilter? filter = null, SqlRuleAction? action = null)
    {
        Name = name;
        Filter = filter ?? new TrueRuleFilter();
        Action = action;
    }

    internal RuleProperties(AtomElement description)
        : this(description.Text("Name") ?? string.Empty)
    {
        Filter = ReadFilter(description.Element("Filter"));
        Action = description.Element("Action")?.Text("SqlExpression") is { } action ? new SqlRuleAction(action) : null;
    }

    /// <summary>The rule's name.</summary>
    public string Name { get; }

    /// <summary>Which messages it selects.</summary>
    public RuleFilter Filter { get; set; }

    /// <summary>What it changes in them.</summary>
    public SqlRuleAction? Action { get; set; }

    internal XElement Write() => new(
        AtomElement.ServiceBus + "RuleDescription",
        new XAttribute(XNamespace.Xmlns + "i", AtomElement.Instance),
        Filter.Write(),
        Action is null
            ? AtomElement.Typed("Action", "EmptyRuleAction")
            : AtomElement.Typed("Action", "SqlRuleAction", new XElement(AtomElement.ServiceBus + "SqlExpression", Action.SqlExpression)),
        new XElement(AtomElement.ServiceBus + "Name", Name));

    private static RuleFilter ReadFilter(AtomElement? filter)
    {
        switch (filter?.Type)
        {
            case "FalseFilter":
                return new FalseRuleFilter();
            case "SqlFilter":
                var sql = new SqlRuleFilter(filter.Text("SqlExpression") ?? string.Empty);
                filter.ReadMap("Parameters", sql.Parameters);
                return sql;
            case "CorrelationFilter":
                var correlation = new CorrelationRuleFilter
                {
                    CorrelationId = filter.Text("CorrelationId"),
                    MessageId = filter.Text("MessageId"),
                    To = filter.Text("To"),
                    ReplyTo = filter.Text("ReplyTo"),
                    Subject = filter.Text("Label"),
                    SessionId = filter.Text("SessionId"),
                    ReplyToSessionId = filter.Text("ReplyToSessionId"),
                    ContentType = filter.Text("ContentType"),
                };
                filter.ReadMap("Properties", correlation.ApplicationProperties);
                return correlation;
            default:
                return new TrueRuleFilter();
        }
    }
}

/// <summary>A rule that is created.</summary>
public sealed class CreateRuleOptions(string name, RuleFilter? filter = null) : RuleProperties(name, filter);
