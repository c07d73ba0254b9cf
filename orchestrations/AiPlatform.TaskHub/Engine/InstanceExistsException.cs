namespace AiPlatform.TaskHub.Engine;

/// <summary>An instance of that id exists and may not be replaced.</summary>
internal sealed class InstanceExistsException(string instanceId) : Exception($"An orchestration instance '{instanceId}' exists already.");
