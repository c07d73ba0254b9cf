namespace AiPlatform.TaskHub.Engine;

/// <summary>This process does not own what a call is for; its owner does.</summary>
internal sealed class NotOwnerException() : Exception("This process does not own that part of the task hub at the moment.");
