using AiPlatform.Contracts.Queues;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Compute.Queues;

/// <summary>What tasks of a submission refer to: tasks that they depend on, parents, packages.</summary>
internal static class TaskReferences
{
    /// <summary>Passes when everything referred to is in the same project; the parents whose trees were cancelled.</summary>
    /// <exception cref="ApiException">400.</exception>
    public static async Task<IReadOnlySet<string>> RequireAsync(UnitOfWork work, string projectId, IReadOnlyList<CheckedTask> tasks)
    {
        await RequireTasksAsync(work, projectId, "dependsOn.tasks", [.. tasks.SelectMany(static task => task.Dependencies).Distinct(StringComparer.Ordinal)]);
        string[] parents = [.. tasks.Select(static task => task.Request.ParentId).OfType<string>().Distinct(StringComparer.Ordinal)];
        await RequireTasksAsync(work, projectId, "parentId", parents);
        await RequirePackagesAsync(work, projectId, tasks);

        // Held until the submission is there to be found: who cancels the tree meanwhile waits for it.
        return parents.Length == 0
            ? new HashSet<string>()
            : (await work.QueryAsync<ParentRow>("SELECT id, tree_cancelled FROM queue_tasks WHERE id = ANY(@parents) ORDER BY id FOR SHARE", new { parents }))
                .Where(static row => row.TreeCancelled).Select(static row => row.Id).ToHashSet(StringComparer.Ordinal);
    }

    /// <summary>
    /// Writes the edges. The tasks depended on are marked, those that have ended as not settled: the dispatcher then decides about
    /// their dependents as if they ended now. The mark waits for a completion that is under way, so that none is missed.
    /// </summary>
    public static async Task LinkAsync(UnitOfWork work, IReadOnlyList<CheckedTask> tasks, IReadOnlyList<SubmittedTask> submitted)
    {
        var edges = tasks.SelectMany((task, i) => submitted[i].Deduplicated
            ? []
            : task.Dependencies.Concat(task.LocalDependencies.Select(position => submitted[position].Id)).Select(dependency => (Task: submitted[i].Id, Dependency: dependency)))
            .Distinct().ToList();
        if (edges.Count == 0)
        {
            return;
        }

        await work.ExecuteAsync(
            """
            INSERT INTO queue_task_dependencies (task_id, depends_on) SELECT * FROM unnest(@tasks, @dependencies);
            UPDATE queue_tasks SET has_dependents = true, unsettled = unsettled OR status IN ('succeeded', 'deadLettered', 'cancelled', 'skipped')
            WHERE id IN (SELECT id FROM queue_tasks WHERE id = ANY(@marked) ORDER BY id FOR NO KEY UPDATE)
            """,
            new
            {
                tasks = edges.Select(static edge => edge.Task).ToArray(),
                dependencies = edges.Select(static edge => edge.Dependency).ToArray(),
                marked = edges.Select(static edge => edge.Dependency).Distinct(StringComparer.Ordinal).ToArray(),
            });
    }

    private static async Task RequirePackagesAsync(UnitOfWork work, string projectId, IReadOnlyList<CheckedTask> tasks)
    {
        var ids = tasks.Where(static task => task.Request.Handler == TaskHandlers.Python)
            .Select(static task => task.Request.Payload!.Value.GetProperty("package").GetString()!).Distinct(StringComparer.Ordinal).ToArray();
        if (ids.Length == 0)
        {
            return;
        }

        var found = await work.QueryAsync<string>("SELECT id FROM task_packages WHERE id = ANY(@ids) AND project_id = @projectId", new { ids, projectId });
        if (ids.Except(found, StringComparer.Ordinal).FirstOrDefault() is { } missing)
        {
            throw ApiException.Invalid("payload.package", "package", missing);
        }
    }

    private static async Task RequireTasksAsync(UnitOfWork work, string projectId, string field, string[] ids)
    {
        if (ids.Length == 0)
        {
            return;
        }

        var found = await work.QueryAsync<string>(
            "SELECT t.id FROM queue_tasks t JOIN queues q ON q.id = t.queue_id WHERE t.id = ANY(@ids) AND q.project_id = @projectId", new { ids, projectId });
        if (ids.Except(found, StringComparer.Ordinal).FirstOrDefault() is { } missing)
        {
            throw ApiException.Invalid(field, "taskReference", missing);
        }
    }

    private sealed class ParentRow
    {
        public required string Id { get; init; }

        public bool TreeCancelled { get; init; }
    }
}
