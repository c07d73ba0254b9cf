namespace AiPlatform.Operations.DurableStatus;

/// <summary>Query parameters that say what is shown of an instance; take them with <c>[AsParameters]</c>.</summary>
/// <param name="ShowHistory">Whether the history is shown.</param>
/// <param name="ShowHistoryOutput">Whether the history shows the outputs of activities.</param>
/// <param name="ShowInput">Whether the input is shown.</param>
/// <param name="ReturnInternalServerErrorOnFailure">Whether a failed instance is a 500 and not a 200.</param>
internal readonly record struct InstanceView(bool? ShowHistory, bool? ShowHistoryOutput, bool? ShowInput, bool? ReturnInternalServerErrorOnFailure);
