using System.Text.Json;
using System.Text.Json.Serialization;

namespace AiPlatform.Contracts.Lineage;

/// <summary>The answer to a batch of which not everything was taken.</summary>
/// <param name="Status"><c>success</c> or <c>partial_success</c>.</param>
/// <param name="Summary">How many were taken.</param>
/// <param name="FailedEvents">The events that were not taken, and why.</param>
public sealed record OpenLineageBatchResult(
    string Status, OpenLineageBatchSummary Summary, [property: JsonPropertyName("failed_events")] IReadOnlyList<OpenLineageFailure> FailedEvents);

/// <summary>Counts of a batch.</summary>
/// <param name="Received">Events in the batch.</param>
/// <param name="Successful">Events that were taken.</param>
/// <param name="Failed">Events that were not taken.</param>
public sealed record OpenLineageBatchSummary(int Received, int Successful, int Failed);

/// <summary>An event that was refused.</summary>
/// <param name="Index">Its position in the batch, from 0.</param>
/// <param name="Field">What is wrong, such as <c>run.runId</c>.</param>
/// <param name="Reason">In the caller's language.</param>
/// <param name="Retriable">Whether sending it again unchanged may succeed.</param>
public sealed record OpenLineageFailure(int Index, string Field, string Reason, bool Retriable);

/// <summary>An event that another tool sent.</summary>
/// <param name="Id">Its id, 32 hex digits.</param>
/// <param name="EventType">Null for events about jobs and datasets.</param>
/// <param name="EventTime">When it happened, by its sender's clock.</param>
/// <param name="Job">The job that it is about, as namespace and name.</param>
/// <param name="RunId">The run that it is about; null for an event about a job or a dataset.</param>
/// <param name="ReceivedAt">When it was received.</param>
/// <param name="Event">As it came.</param>
public sealed record OpenLineageEventRecord(string Id, string? EventType, DateTimeOffset EventTime, string? Job, string? RunId, DateTimeOffset ReceivedAt, JsonElement Event);

/// <summary>Adds a receiver of OpenLineage events about the runs of a project.</summary>
/// <example>
/// {"name": "marquez", "url": "https://lineage.example.org/api/v1/lineage", "authorization":
/// "Bearer of-the-receiver"}
/// </example>
/// <param name="Name">Its name; unique in the project.</param>
/// <param name="Url">Where events are posted, such as <c>https://marquez.example/api/v1/lineage</c>; in public networks only.</param>
/// <param name="Authorization">Sent as the header <c>Authorization</c>, such as <c>Bearer …</c>.</param>
public sealed record CreateLineageReceiverRequest(string Name, string Url, string? Authorization = null);

/// <summary>Changes a receiver; what is absent stays as it is.</summary>
/// <example>{"enabled": false}</example>
/// <param name="Url">Where events are posted to from now on; null leaves it.</param>
/// <param name="Authorization">The new header for authorization; empty for none, null leaves it.</param>
/// <param name="Enabled">False: no events come about for it. True also tries again what failed for good.</param>
public sealed record UpdateLineageReceiverRequest(string? Url = null, string? Authorization = null, bool? Enabled = null);

/// <summary>A receiver of OpenLineage events.</summary>
/// <param name="Id">Its id, 32 hex digits.</param>
/// <param name="Name">Its name, unique in the project.</param>
/// <param name="Url">Where events are posted to.</param>
/// <param name="HasAuthorization">Whether a header for authorization is kept for it.</param>
/// <param name="SigningSecret">The key of the header <c>webhook-signature</c> (Standard Webhooks); only in the answer that creates the receiver.</param>
/// <param name="Enabled">Whether events are sent.</param>
/// <param name="Pending">Events that wait for delivery; counting ends at 10,000.</param>
/// <param name="Parked">Events that failed for good.</param>
/// <param name="LastError">Why the last delivery failed; null once one succeeded.</param>
/// <param name="DeliveredAt">When an event was last delivered; null when none was.</param>
/// <param name="CreatedAt">When it was created.</param>
public sealed record LineageReceiver(
    string Id, string Name, string Url, bool HasAuthorization, string? SigningSecret, bool Enabled, int Pending, int Parked, string? LastError,
    DateTimeOffset? DeliveredAt, DateTimeOffset CreatedAt);
