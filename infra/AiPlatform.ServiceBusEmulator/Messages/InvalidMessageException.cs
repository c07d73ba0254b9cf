namespace AiPlatform.ServiceBusEmulator.Messages;

/// <summary>A message that cannot be accepted as it is.</summary>
internal sealed class InvalidMessageException(string condition, string description) : FormatException(description)
{
    internal string Condition => condition;
}
