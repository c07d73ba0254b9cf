namespace AiPlatform.ServiceBusEmulator.Filters;

/// <summary>An expression that cannot be understood, or that cannot be evaluated for a message.</summary>
internal sealed class FilterException(string message) : Exception(message);
