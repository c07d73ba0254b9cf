using AiPlatform.ServiceBusEmulator.Entities;
using AiPlatform.ServiceBusEmulator.Filters;
using AiPlatform.ServiceBusEmulator.Messages;
using AiPlatform.ServiceBusEmulator.Queues;
using Amqp;
using Amqp.Framing;
using Amqp.Types;

namespace AiPlatform.ServiceBusEmulator.Protocol;

internal sealed partial class ManagementEndpoint
{
    private const int MaxRulesPerPage = 100;

    private QueueEntity Subscription
        => part?.Entity is { Definition.Kind: EntityKind.Subscription } subscription ? subscription : throw new FormatException("Only subscriptions have rules.");

    private async Task<Reply> AddRuleAsync(Map body)
    {
        var name = (string)body["rule-name"];
        try
        {
            var rule = RuleCodec.Read(name, (Map)body["rule-description"]) with { CreatedAt = time.GetUtcNow().UtcDateTime };
            await broker.Catalog.UpdateAsync(Subscription.Name, EntityKind.Subscription, definition => definition with { Rules = [.. definition.Rules, rule] });
            return Ok;
        }
        catch (FilterException exception)
        {
            return new Reply(400, exception.Message, AmqpNames.ArgumentError);
        }
        catch (EntityException exception)
        {
            return Refusal(exception);
        }
    }

    private async Task<Reply> RemoveRuleAsync(Map body)
    {
        var name = (string)body["rule-name"];
        if (!Subscription.Definition.Rules.Any(rule => IsNamed(rule, name)))
        {
            return new Reply(404, $"The messaging entity '{entity.Name}/rules/{name}' could not be found.", ErrorCode.NotFound);
        }

        try
        {
            await broker.Catalog.UpdateAsync(
                Subscription.Name,
                EntityKind.Subscription,
                definition => definition with { Rules = [.. definition.Rules.Where(rule => !IsNamed(rule, name))] });
            return Ok;
        }
        catch (EntityException exception)
        {
            return Refusal(exception);
        }
    }

    private Reply ListRules(Map body)
    {
        var top = Math.Clamp(Number(body["top"], MaxRulesPerPage), 1, MaxRulesPerPage);
        var list = new List();
        list.AddRange(Subscription.Definition.Rules.Skip(Number(body["skip"], 0)).Take(top).Select(RuleCodec.Write));
        return list.Count == 0 ? NoContent : Ok with { Body = new Map { ["rules"] = list } };
    }

    private static bool IsNamed(RuleDefinition rule, string name) => rule.Name.Equals(name, StringComparison.OrdinalIgnoreCase);

    private static Reply Refusal(EntityException exception) => exception.Problem switch
    {
        EntityProblem.NotFound => new Reply(404, exception.Message, ErrorCode.NotFound),
        EntityProblem.AlreadyExists => new Reply(409, exception.Message, AmqpNames.EntityAlreadyExists),
        EntityProblem.QuotaExceeded => new Reply(403, exception.Message, ErrorCode.ResourceLimitExceeded),
        _ => new Reply(400, exception.Message, AmqpNames.ArgumentError),
    };
}
