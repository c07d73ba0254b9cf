using System.Collections.Concurrent;
using AiPlatform.ServiceBusEmulator.Filters;
using AiPlatform.ServiceBusEmulator.Queues;
using AiPlatform.ServiceBusEmulator.Storage;

namespace AiPlatform.ServiceBusEmulator.Entities;

/// <summary>
/// All entities by name and by id. Reading is free of locks; changes are made one after the other, and are in the table before
/// they are in memory.
/// </summary>
internal sealed class EntityCatalog(TimeProvider time) : IDisposable
{
    internal const int MaxEntities = 10_000;
    internal const int MaxRules = 2_000;

    private readonly ConcurrentDictionary<string, Entity> _byName = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<int, Entity> _byId = new();
    private readonly SemaphoreSlim _changes = new(1);
    private BrokerServices? _services;
    private int _lastId;

    internal IEnumerable<Entity> Entities => _byId.Select(static pair => pair.Value);

    internal IEnumerable<QueueEntity> Queues => Entities.OfType<QueueEntity>();

    private BrokerServices Services => _services ?? throw new InvalidOperationException("The broker has not started.");

    /// <summary>Finds an entity by its name, address or URI.</summary>
    internal Entity? Find(string address) => _byName.GetValueOrDefault(EntityNames.PathOf(address).ToLowerInvariant());

    internal Entity? Find(int id) => _byId.GetValueOrDefault(id);

    /// <summary>Finds what messages are received from; null when there is no such queue, subscription or part.</summary>
    internal MessageQueue? FindPart(string address)
    {
        var name = EntityNames.PathOf(address).ToLowerInvariant();
        if (TryTrim(name, EntityNames.TransferDeadLetterSuffix) is { } transfer)
        {
            return (_byName.GetValueOrDefault(transfer) as QueueEntity)?.TransferDeadLetters;
        }

        return TryTrim(name, EntityNames.DeadLetterSuffix) is { } dead
            ? (_byName.GetValueOrDefault(dead) as QueueEntity)?.DeadLetters
            : (_byName.GetValueOrDefault(name) as QueueEntity)?.Messages;
    }

    /// <summary>The authorization rules of what an address leads to, and of what that is in.</summary>
    internal IEnumerable<AuthorizationRule> AuthorizationRulesOf(string path)
    {
        for (var end = path.Length; end > 0; end = path.LastIndexOf('/', end - 1))
        {
            foreach (var rule in _byName.GetValueOrDefault(path[..end])?.Properties.AuthorizationRules ?? [])
            {
                yield return rule;
            }
        }
    }

    /// <summary>Takes what the table has and what the configuration says; the configuration wins.</summary>
    internal async Task StartAsync(BrokerServices services, IEnumerable<EntityDefinition> configured, CancellationToken cancellationToken)
    {
        _services = services;
        var stored = await services.Store.ReadEntitiesAsync(cancellationToken);
        _lastId = stored.Count == 0 ? 0 : stored.Max(entity => entity.Id);
        var known = stored.ToDictionary(entity => entity.Name.ToLowerInvariant());
        var wanted = stored.Where(entity => !entity.IsConfigured).ToDictionary(entity => entity.Name.ToLowerInvariant());
        var now = time.GetUtcNow().UtcDateTime;
        var changes = new List<WriteOperation>();
        foreach (var entity in configured)
        {
            var name = entity.Name.ToLowerInvariant();
            var earlier = known.GetValueOrDefault(name);
            var definition = entity with
            {
                Id = earlier?.Id ?? ++_lastId,
                IsConfigured = true,
                CreatedAt = earlier?.CreatedAt ?? now,
                UpdatedAt = earlier?.UpdatedAt ?? now,
            };
            if (earlier is null || !EntityStore.AreSame(earlier, definition))
            {
                definition = definition with { UpdatedAt = now };
                changes.Add(new StatementOperation(EntityStore.Upsert, EntityStore.Parameters(definition)));
            }

            wanted[name] = definition;
        }

        if (changes.Count > 0)
        {
            await services.Writer.WriteAsync(new CompositeOperation(changes));
        }

        foreach (var definition in wanted.Values.OrderBy(definition => definition.Kind))
        {
            Add(definition);
        }

        foreach (var definition in wanted.Values.Where(definition => definition.IsConfigured))
        {
            RequireTarget(definition.Properties.ForwardTo);
            RequireTarget(definition.Properties.ForwardDeadLetteredMessagesTo);
        }
    }

    /// <exception cref="EntityException">It cannot be created.</exception>
    internal async Task<Entity> CreateAsync(EntityDefinition definition)
    {
        await _changes.WaitAsync();
        try
        {
            var now = time.GetUtcNow().UtcDateTime;
            if (EntityNames.Split(definition.Name) is var (topic, subscription))
            {
                definition = definition with { Name = EntityNames.Subscription(topic, subscription) };
            }

            Validate(definition);
            RequireTarget(definition.Properties.ForwardTo);
            RequireTarget(definition.Properties.ForwardDeadLetteredMessagesTo);
            if (Find(definition.Name) is not null)
            {
                throw new EntityException(EntityProblem.AlreadyExists, $"SubCode=40900. The entity '{definition.Name}' exists already.");
            }

            if (definition.Kind == EntityKind.Subscription && Find(EntityNames.Split(definition.Name)!.Value.Topic) is not TopicEntity)
            {
                throw new EntityException(EntityProblem.NotFound, "SubCode=40400. The topic of the subscription does not exist.");
            }

            if (_byId.Count >= MaxEntities)
            {
                throw new EntityException(EntityProblem.QuotaExceeded, $"There can be {MaxEntities} entities.");
            }

            var rules = definition.Kind == EntityKind.Subscription && definition.Rules.Count == 0 ? [RuleDefinition.Default(now)] : definition.Rules;
            var created = definition with { Id = ++_lastId, CreatedAt = now, UpdatedAt = now, Rules = rules };
            await Services.Writer.WriteAsync(new StatementOperation(EntityStore.Upsert, EntityStore.Parameters(created)));
            return Add(created);
        }
        finally
        {
            _changes.Release();
        }
    }

    /// <summary>Changes an entity; what cannot change after creation must be as it was.</summary>
    /// <exception cref="EntityException">It cannot be changed so.</exception>
    internal async Task<Entity> UpdateAsync(string name, EntityKind kind, Func<EntityDefinition, EntityDefinition> change)
    {
        await _changes.WaitAsync();
        try
        {
            var entity = Find(name);
            if (entity is null || entity.Definition.Kind != kind)
            {
                throw new EntityException(EntityProblem.NotFound, $"SubCode=40400. The entity '{name}' does not exist.");
            }

            var (before, after) = (entity.Definition.Properties, change(entity.Definition) with { UpdatedAt = time.GetUtcNow().UtcDateTime });
            Validate(after);

            // A target that was deleted since stands in the way of nothing else that is to be changed.
            RequireTarget(before.ForwardTo == after.Properties.ForwardTo ? null : after.Properties.ForwardTo);
            RequireTarget(before.ForwardDeadLetteredMessagesTo == after.Properties.ForwardDeadLetteredMessagesTo ? null : after.Properties.ForwardDeadLetteredMessagesTo);
            if (before.RequiresSession != after.Properties.RequiresSession
                || before.RequiresDuplicateDetection != after.Properties.RequiresDuplicateDetection
                || before.EnablePartitioning != after.Properties.EnablePartitioning)
            {
                throw new EntityException(EntityProblem.Invalid, "SubCode=40000. RequiresSession, RequiresDuplicateDetection and EnablePartitioning cannot be changed.");
            }

            await Services.Writer.WriteAsync(new StatementOperation(EntityStore.Upsert, EntityStore.Parameters(after)));
            entity.Update(after);
            return entity;
        }
        finally
        {
            _changes.Release();
        }
    }

    /// <summary>Deletes an entity with its messages; a topic with its subscriptions.</summary>
    /// <exception cref="EntityException">It does not exist.</exception>
    internal async Task DeleteAsync(string name)
    {
        await _changes.WaitAsync();
        try
        {
            var entity = Find(name) ?? throw new EntityException(EntityProblem.NotFound, $"SubCode=40400. The entity '{name}' does not exist.");
            Entity[] gone = entity is TopicEntity topic ? [.. topic.Subscriptions, topic] : [entity];
            var ids = gone.Select(one => one.Id).ToArray();
            await Services.Writer.WriteAsync(new StatementOperation(EntityStore.Delete, [ids]));
            foreach (var one in gone)
            {
                Remove(one);
            }

            _ = Services.Store.PurgeAsync(ids, Services.Stopping);
        }
        finally
        {
            _changes.Release();
        }
    }

    public void Dispose() => _changes.Dispose();

    private static string? TryTrim(string name, string suffix) => name.EndsWith(suffix, StringComparison.Ordinal) ? name[..^suffix.Length] : null;

    private static void Validate(EntityDefinition definition)
    {
        var problem = EntityNames.Problem(definition.Name, definition.Kind) ?? definition.Properties.Problem();
        var self = definition.Name.ToLowerInvariant();
        if (problem is null && ForwardsTo(definition.Properties.ForwardTo, self))
        {
            problem = "An entity cannot forward to itself.";
        }

        if (problem is null && definition.Rules.DistinctBy(rule => rule.Name.ToLowerInvariant()).Count() != definition.Rules.Count)
        {
            throw new EntityException(EntityProblem.AlreadyExists, "SubCode=40900. Two rules have the same name.");
        }

        if (definition.Rules.Count > MaxRules)
        {
            throw new EntityException(EntityProblem.QuotaExceeded, $"A subscription can have {MaxRules} rules.");
        }

        try
        {
            foreach (var rule in definition.Rules)
            {
                _ = new SubscriptionRule(rule);
            }
        }
        catch (FilterException exception)
        {
            problem ??= exception.Message;
        }

        if (problem is not null)
        {
            throw new EntityException(EntityProblem.Invalid, $"SubCode=40000. {problem}");
        }
    }

    private void RequireTarget(string? target)
    {
        if (target is not null && Find(target) is not { Definition.Kind: EntityKind.Queue or EntityKind.Topic })
        {
            throw new EntityException(EntityProblem.Invalid, $"SubCode=40400. The auto forwarding destination entity '{target}' does not exist.");
        }
    }

    private static bool ForwardsTo(string? target, string name) => target is not null && EntityNames.PathOf(target).Equals(name, StringComparison.OrdinalIgnoreCase);

    private Entity Add(EntityDefinition definition)
    {
        Entity entity = definition.Kind == EntityKind.Topic ? new TopicEntity(definition) : new QueueEntity(definition, Services);
        if (entity is QueueEntity subscription && definition.Kind == EntityKind.Subscription
            && Find(EntityNames.Split(definition.Name)!.Value.Topic) is TopicEntity topic)
        {
            topic.Add(subscription);
        }

        _byId[definition.Id] = entity;
        _byName[entity.Name] = entity;
        return entity;
    }

    private void Remove(Entity entity)
    {
        entity.IsDeleted = true;
        _byName.TryRemove(entity.Name, out _);
        _byId.TryRemove(entity.Id, out _);
        if (entity is not QueueEntity queue)
        {
            return;
        }

        if (queue.Definition.Kind == EntityKind.Subscription && Find(EntityNames.Split(queue.Name)!.Value.Topic) is TopicEntity topic)
        {
            topic.Remove(queue);
        }

        queue.Close(Amqp.ErrorCode.NotFound, $"The messaging entity '{queue.Name}' could not be found: it was deleted.");
    }
}
