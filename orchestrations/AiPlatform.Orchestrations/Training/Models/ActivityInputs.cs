using AiPlatform.Contracts.Jobs;

namespace AiPlatform.Orchestrations.Training.Models;

/// <summary>Input of <c>AdmitAttempt</c>.</summary>
public sealed record AdmitAttemptInput(string JobId, int Attempt);

/// <summary>Input of <c>DispatchNodes</c>.</summary>
public sealed record DispatchNodesInput(string JobId, JobAdmission Admission);

/// <summary>Input of <c>EndAttempt</c>.</summary>
public sealed record EndAttemptInput(string JobId, int Attempt, AttemptStatus Status, string? Reason);

/// <summary>Input of <c>SetJobStatus</c>.</summary>
public sealed record SetJobStatusInput(string JobId, JobStatus Status, string? Reason);
