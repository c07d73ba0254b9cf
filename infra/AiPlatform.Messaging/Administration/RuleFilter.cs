using System.Xml.Linq;

namespace AiPlatform.Messaging.Administration;

/// <summary>Which messages a rule selects.</summary>
public abstract class RuleFilter
{
    internal abstract XElement Write();
}
