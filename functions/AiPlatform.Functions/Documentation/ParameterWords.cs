using System.Collections.Frozen;

namespace AiPlatform.Functions.Documentation;

/// <summary>
/// What the parameters are that mean the same on every route. A route whose parameter means something else says so with a
/// <c>param</c> comment on its handler.
/// </summary>
internal static class ParameterWords
{
    private static readonly FrozenDictionary<string, string> Words = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["project"] = "The project's id or name.",
        ["dataset"] = "The dataset's id or name.",
        ["experiment"] = "The experiment's id or name.",
        ["model"] = "The registered model's id or name.",
        ["version"] = "The version's number, from 1.",
        ["run"] = "The run's id.",
        ["job"] = "The job's id.",
        ["task"] = "The task's id.",
        ["attempt"] = "The attempt's number, from 1.",
        ["pool"] = "The pool's name.",
        ["alias"] = "The alias.",
        ["channel"] = "The channel's name.",
        ["import"] = "The import's id.",
        ["media"] = "The media's id.",
        ["package"] = "The package's id.",
        ["promotion"] = "The promotion's id.",
        ["receiver"] = "The receiver's id.",
        ["report"] = "The report's id.",
        ["runner"] = "The runner's id.",
        ["schedule"] = "The schedule's id.",
        ["view"] = "The view's id.",
        ["worker"] = "The worker's id.",
        ["node"] = "The node's number, from 0.",
        ["rank"] = "The rank, from 0.",
        ["part"] = "The part's number, from 0.",
        ["path"] = "The path, with `/`.",
        ["token"] = "The signed token of the link.",
        ["id"] = "The id.",
        ["instanceId"] = "The instance's id; made up when absent.",
        ["entityName"] = "The entity's name.",
        ["entityKey"] = "The entity's key.",
        ["eventName"] = "The event's name.",
        ["op"] = "The operation to signal.",
        ["pageSize"] = "Items on a page, 1 to 500; 50 when absent.",
        ["pageToken"] = "`nextPageToken` of the page before.",
        ["top"] = "Items on a page.",
        ["x-ms-continuation-token"] = "The header of the same name of the page before.",
        ["createdTimeFrom"] = "Only what was created at this time or later.",
        ["createdTimeTo"] = "Only what was created at this time or earlier.",
        ["lastOperationTimeFrom"] = "Only what was last used at this time or later.",
        ["lastOperationTimeTo"] = "Only what was last used at this time or earlier.",
        ["runtimeStatus"] = "Only instances in these states, apart by commas.",
        ["instanceIdPrefix"] = "Only instances whose ids begin so.",
        ["idleSeconds"] = "How long an instance has not moved, in seconds.",
        ["showInput"] = "Whether the input is shown.",
        ["fetchState"] = "Whether the entities' states are shown.",
        ["restartWithNewInstanceId"] = "Whether the instance gets a new id.",
        ["reason"] = "Why, for people.",
        ["status"] = "Only those with this status.",
        ["priority"] = "Only those with this priority.",
        ["kind"] = "Only those of this kind.",
        ["limit"] = "The most things in the answer.",
        ["namespace"] = "Only things of this namespace.",
        ["name"] = "The name.",
        ["topics"] = "Topics such as `job:ID`, apart by commas.",
        ["Last-Event-ID"] = "The id of the last event that was received: what came since is sent first.",
        ["file"] = "The path of the file; the first table of the version when absent.",
        ["from"] = "The version to compare with; the parent or the one before when absent.",
        ["prefix"] = "Only paths that begin so.",
        ["format"] = "The format of the answer.",
        ["force"] = "Deletes it although something uses it; for administrators.",
        ["key"] = "The metric's key.",
        ["attempts"] = "`all` shows points that a later attempt superseded as well.",
        ["offset"] = "Bytes from the beginning.",
        ["fence"] = "Which claim of the task it belongs to.",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>The meaning of a parameter; null for one that is not known.</summary>
    public static string? Describe(string? name) => name is null ? null : Words.GetValueOrDefault(name);
}
