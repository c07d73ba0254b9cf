namespace AiPlatform.Contracts.Queues;

/// <summary>What a queue does with its tasks.</summary>
public enum QueueState
{
    /// <summary>Takes tasks and runs them.</summary>
    Active,

    /// <summary>Takes tasks and runs none; what runs already goes on.</summary>
    Paused,

    /// <summary>Takes no more tasks and runs those that it has.</summary>
    Draining,
}

/// <summary>The tasks of one project on one pool.</summary>
/// <param name="Project">The project's name.</param>
/// <param name="ProjectId">The project's id.</param>
/// <param name="Pool">The pool's name.</param>
/// <param name="State">Where it is in its life.</param>
/// <param name="Weight">The project's share of the pool in relation to other projects that have work there.</param>
/// <param name="MaxRunning">The most tasks that may be released at once; null for no limit of its own.</param>
/// <param name="UserWeights">Shares of users within the project by user id; 1 for those not named.</param>
/// <param name="Counts">How many tasks are in each live state and among the dead letters.</param>
/// <param name="CreatedAt">When it was created.</param>
/// <param name="UpdatedAt">When it was last changed.</param>
public sealed record TaskQueue(
    string Project, string ProjectId, string Pool, QueueState State, double Weight, int? MaxRunning, IReadOnlyDictionary<string, double> UserWeights,
    IReadOnlyList<QueueCount> Counts, DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt);

/// <summary>A number of tasks in one state.</summary>
/// <param name="Status">The state that is counted.</param>
/// <param name="Count">How many there are.</param>
/// <param name="AtLeast">True when counting ended at this number.</param>
public sealed record QueueCount(QueueTaskStatus Status, int Count, bool AtLeast = false);

/// <summary>Sets a queue's shares and limits; what is absent stays as it is.</summary>
/// <example>{"weight": 2, "maxRunning": 10}</example>
/// <param name="Weight">0.01 to 1,000.</param>
/// <param name="MaxRunning">1 to 100,000; 0 takes the limit away.</param>
/// <param name="UserWeights">At most 1,000 users, each 0.01 to 1,000; replaces all of them.</param>
public sealed record UpdateQueueRequest(double? Weight = null, int? MaxRunning = null, IReadOnlyDictionary<string, double>? UserWeights = null);
