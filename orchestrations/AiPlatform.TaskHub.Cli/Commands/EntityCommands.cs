using Microsoft.DurableTask.Client.Entities;
using Microsoft.DurableTask.Entities;

namespace AiPlatform.TaskHub.Cli.Commands;

/// <summary>Commands about entities.</summary>
internal static class EntityCommands
{
    public static async Task<int> ListAsync(Session session)
    {
        var left = session.Arguments.Option("top", 50);
        var query = new EntityQuery { InstanceIdStartsWith = session.Arguments.Option("prefix"), IncludeState = false };
        await foreach (var entity in session.Client.Entities.GetAllEntitiesAsync(query).WithCancellation(session.Cancelled))
        {
            if (left-- <= 0)
            {
                return 0;
            }

            await session.RowAsync(entity.Id, entity.LastModifiedTime, entity.BacklogQueueSize, entity.LockedBy);
        }

        return 0;
    }

    public static async Task<int> ShowAsync(Session session)
    {
        var id = new EntityInstanceId(session.Arguments.Operand(0, "The entity's name"), session.Arguments.Operand(1, "The entity's key"));
        var entity = await session.Client.Entities.GetEntityAsync(id, true, session.Cancelled);
        await session.Output.WriteLineAsync(entity is { IncludesState: true } ? entity.State.Value : throw new KeyNotFoundException($"There is no entity '{id}'."));
        return 0;
    }
}
