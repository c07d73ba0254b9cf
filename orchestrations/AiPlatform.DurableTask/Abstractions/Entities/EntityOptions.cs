namespace AiPlatform.DurableTask.Entities;

/// <summary>Options of a signal.</summary>
/// <param name="SignalTime">The signal is delivered then, not before; at once when null.</param>
public record SignalEntityOptions(DateTimeOffset? SignalTime = null);

/// <summary>Options of a call. There are none today.</summary>
public record CallEntityOptions;
