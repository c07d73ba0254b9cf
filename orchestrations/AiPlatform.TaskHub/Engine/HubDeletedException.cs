namespace AiPlatform.TaskHub.Engine;

/// <summary>The task hub of a call was deleted while the call was on its way.</summary>
internal sealed class HubDeletedException() : Exception("The task hub was deleted at this moment; a further call makes a new one.");
