using System.Globalization;
using System.Xml.Linq;
using AiPlatform.ServiceBusEmulator.Entities;
using AiPlatform.ServiceBusEmulator.Filters;
using AiPlatform.ServiceBusEmulator.Protocol;
using AiPlatform.ServiceBusEmulator.Queues;
using Microsoft.AspNetCore.Http.Extensions;

namespace AiPlatform.ServiceBusEmulator.Administration;

/// <summary>
/// The administration protocol: entities and rules as ATOM XML. <c>PUT</c> creates, or with <c>If-Match</c> updates; addresses
/// are <c>/entity</c>, <c>/topic/Subscriptions/name</c>, <c>/…/Rules/name</c>, and for lists <c>/$Resources/queues</c>,
/// <c>/$Resources/topics</c>, <c>/topic/Subscriptions</c>, <c>/…/Rules</c>.
/// </summary>
internal sealed partial class AdministrationApi(Broker broker, TokenValidator tokens, TimeProvider time, ILogger<AdministrationApi> logger)
{
    private const int DefaultPage = 100;
    private const string ContentType = "application/atom+xml;type=entry;charset=utf-8";

    internal async Task HandleAsync(HttpContext context)
    {
        var (status, body) = await AnswerAsync(context);
        context.Response.StatusCode = status;
        if (body is not null)
        {
            context.Response.ContentType = body.Name.LocalName == "Error" ? "application/xml; charset=utf-8" : ContentType;
            await context.Response.WriteAsync(body.ToString(SaveOptions.DisableFormatting), context.RequestAborted);
        }
    }

    private async Task<(int Status, XElement? Body)> AnswerAsync(HttpContext context)
    {
        var request = context.Request;
        var address = AdministrationAddress.Parse(request.Path.Value ?? string.Empty);
        if (await tokens.ValidateHeaderAsync(request.Headers.Authorization.ToString()) is not { Rights: AccessRights.All } grant || !grant.Covers(address.Path.ToLowerInvariant()))
        {
            return (401, AtomXml.Error(401, "SubCode=40100. The token is missing, malformed, forged, expired, or for another resource."));
        }

        if (!broker.Started.IsCompletedSuccessfully)
        {
            return (503, AtomXml.Error(503, "The broker is starting."));
        }

        try
        {
            return request.Method switch
            {
                "GET" => await GetAsync(request, address),
                "PUT" => await PutAsync(request, address, context.RequestAborted),
                "DELETE" => await DeleteAsync(address),
                _ => (405, AtomXml.Error(405, "The method is not known here.")),
            };
        }
        catch (EntityException exception)
        {
            var status = exception.Problem switch
            {
                EntityProblem.NotFound => 404,
                EntityProblem.AlreadyExists => 409,
                EntityProblem.QuotaExceeded => 403,
                _ => 400,
            };
            return (status, AtomXml.Error(status, exception.Message));
        }
        catch (BadHttpRequestException exception)
        {
            return (exception.StatusCode, AtomXml.Error(exception.StatusCode, exception.Message));
        }
        catch (Exception exception) when (exception is Npgsql.NpgsqlException or IOException or TimeoutException)
        {
            LogFailed(logger, exception);
            return (503, AtomXml.Error(503, "The database is away; try again later."));
        }
    }

    private async Task<(int Status, XElement? Body)> GetAsync(HttpRequest request, AdministrationAddress address) => address.Target switch
    {
        AdministrationTarget.Namespace => (200, AtomXml.Entry(Id(request, "$namespaceinfo"), "namespace", null, NamespaceInfo(request))),
        AdministrationTarget.Entity => await GetEntityAsync(request, Find(address.Entity)),
        AdministrationTarget.Rule => GetRule(request, address),
        AdministrationTarget.Queues => await ListAsync(request, "queues", broker.Catalog.Entities.Where(static entity => entity.Definition.Kind == EntityKind.Queue)),
        AdministrationTarget.Topics => await ListAsync(request, "topics", broker.Catalog.Entities.Where(static entity => entity.Definition.Kind == EntityKind.Topic)),
        AdministrationTarget.Subscriptions when Find(address.Entity) is TopicEntity topic => await ListAsync(request, "subscriptions", topic.Subscriptions),
        AdministrationTarget.Rules when Find(address.Entity) is QueueEntity { Definition.Kind: EntityKind.Subscription } subscription
            => List(request, "rules", subscription.Definition.Rules.Select(rule => RuleEntry(request, subscription.Definition, rule))),
        _ => throw NotFound(address.Path),
    };

    // A missing entity is an empty feed, as in the service: clients tell it by that.
    private async Task<(int Status, XElement? Body)> GetEntityAsync(HttpRequest request, Entity? entity)
        => entity is null
            ? (200, AtomXml.Feed(request.GetDisplayUrl(), "Publicly Listed Services", null, []))
            : (200, Entry(request, entity, await broker.Store.CountAsync([entity.Id], CancellationToken.None)));

    private (int Status, XElement? Body) GetRule(HttpRequest request, AdministrationAddress address)
        => Find(address.Entity) is QueueEntity subscription && subscription.Definition.Rules.FirstOrDefault(rule => IsNamed(rule, address.Rule)) is { } found
            ? (200, RuleEntry(request, subscription.Definition, found))
            : throw NotFound(address.Path);

    private async Task<(int Status, XElement? Body)> ListAsync(HttpRequest request, string title, IEnumerable<Entity> entities)
    {
        var (skip, top) = Page(request);
        var page = entities.OrderBy(static entity => entity.Name, StringComparer.Ordinal).Skip(skip).Take(top + 1).ToList();
        var counts = await broker.Store.CountAsync([.. page.Select(static entity => entity.Id)], CancellationToken.None);
        return List(request, title, page.Select(entity => Entry(request, entity, counts)), skip, top);
    }

    private static (int Status, XElement? Body) List(HttpRequest request, string title, IEnumerable<XElement> entries)
    {
        var (skip, top) = Page(request);
        return List(request, title, entries.Skip(skip).Take(top + 1), skip, top);
    }

    private static (int Status, XElement? Body) List(HttpRequest request, string title, IEnumerable<XElement> entries, int skip, int top)
    {
        var page = entries.ToList();
        var next = page.Count > top ? $"{request.Scheme}://{request.Host}{request.Path}?api-version=2021-05&$skip={skip + top}&$top={top}" : null;
        return (200, AtomXml.Feed(request.GetDisplayUrl(), title, next, page.Take(top)));
    }

    private async Task<(int Status, XElement? Body)> PutAsync(HttpRequest request, AdministrationAddress address, CancellationToken cancellationToken)
    {
        var isUpdate = request.Headers.IfMatch.Count > 0;
        if (address.Target == AdministrationTarget.Rule)
        {
            return await PutRuleAsync(request, address, isUpdate, cancellationToken);
        }

        if (address.Target != AdministrationTarget.Entity)
        {
            throw NotFound(address.Path);
        }

        var existing = Find(address.Entity);
        var kind = await ReadKindAsync(request, address, existing);
        var content = await AtomXml.ReadContentAsync(request.Body, EntityXml.ElementName(kind), cancellationToken);
        var properties = EntityXml.Read(content);
        var entity = isUpdate
            ? await broker.Catalog.UpdateAsync(address.Entity, kind, definition => definition with { Properties = properties })
            : await broker.Catalog.CreateAsync(new EntityDefinition { Name = address.Entity, Kind = kind, Properties = properties, Rules = FirstRules(content) });
        return (isUpdate ? 200 : 201, Entry(request, entity, await broker.Store.CountAsync([entity.Id], cancellationToken)));
    }

    // A queue's and a topic's address look alike: the body says which it is.
    private static async Task<EntityKind> ReadKindAsync(HttpRequest request, AdministrationAddress address, Entity? existing)
    {
        if (EntityNames.Split(address.Entity) is not null)
        {
            return EntityKind.Subscription;
        }

        request.EnableBuffering(bufferThreshold: 64 * 1024, bufferLimit: 1024 * 1024);
        using var reader = new StreamReader(request.Body, leaveOpen: true);
        var text = await reader.ReadToEndAsync();
        request.Body.Position = 0;
        return text.Contains("TopicDescription", StringComparison.Ordinal) ? EntityKind.Topic
            : text.Contains("QueueDescription", StringComparison.Ordinal) ? EntityKind.Queue
            : existing?.Definition.Kind ?? EntityKind.Queue;
    }

    private RuleDefinition[] FirstRules(XElement description)
    {
        var rule = description.Element(AtomXml.ServiceBus + "DefaultRuleDescription");
        var name = rule?.Element(AtomXml.ServiceBus + "Name")?.Value is { Length: > 0 } given ? given : RuleDefinition.DefaultName;
        return rule is null ? [] : [RuleXml.Read(rule, name) with { CreatedAt = Now }];
    }

    private async Task<(int Status, XElement? Body)> PutRuleAsync(HttpRequest request, AdministrationAddress address, bool isUpdate, CancellationToken cancellationToken)
    {
        var rule = RuleXml.Read(await AtomXml.ReadContentAsync(request.Body, "RuleDescription", cancellationToken), address.Rule) with { CreatedAt = Now };
        var entity = await broker.Catalog.UpdateAsync(address.Entity, EntityKind.Subscription, definition =>
        {
            var exists = definition.Rules.Any(one => IsNamed(one, rule.Name));
            return (isUpdate, exists) switch
            {
                (true, false) => throw NotFound(address.Path),
                (true, true) => definition with { Rules = [.. definition.Rules.Select(one => IsNamed(one, rule.Name) ? rule : one)] },
                _ => definition with { Rules = [.. definition.Rules, rule] },
            };
        });
        return (isUpdate ? 200 : 201, RuleEntry(request, entity.Definition, rule));
    }

    private async Task<(int Status, XElement? Body)> DeleteAsync(AdministrationAddress address)
    {
        switch (address.Target)
        {
            case AdministrationTarget.Entity:
                await broker.Catalog.DeleteAsync(address.Entity);
                return (200, null);
            case AdministrationTarget.Rule:
                await broker.Catalog.UpdateAsync(address.Entity, EntityKind.Subscription, definition => definition.Rules.Any(rule => IsNamed(rule, address.Rule))
                    ? definition with { Rules = [.. definition.Rules.Where(rule => !IsNamed(rule, address.Rule))] }
                    : throw NotFound(address.Path));
                return (200, null);
            default:
                throw NotFound(address.Path);
        }
    }

    private DateTime Now => time.GetUtcNow().UtcDateTime;

    private Entity? Find(string name) => broker.Catalog.Find(name);

    private static bool IsNamed(RuleDefinition rule, string name) => rule.Name.Equals(name, StringComparison.OrdinalIgnoreCase);

    private static EntityException NotFound(string path) => new(EntityProblem.NotFound, $"SubCode=40400. '{path}' does not exist.");

    private static (int Skip, int Top) Page(HttpRequest request)
        => (Math.Max(0, Query(request, "$skip") ?? 0), Math.Clamp(Query(request, "$top") ?? DefaultPage, 1, DefaultPage));

    private static int? Query(HttpRequest request, string name)
        => int.TryParse(request.Query[name], NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : null;

    private static string Id(HttpRequest request, string path) => $"{request.Scheme}://{request.Host}/{path}?api-version=2021-05";

    private static XElement Entry(HttpRequest request, Entity entity, IReadOnlyDictionary<int, MessageCounts> counts)
    {
        var definition = entity.Definition;
        var title = EntityNames.Split(definition.Name)?.Subscription ?? definition.Name;
        var content = EntityXml.Write(entity, counts.GetValueOrDefault(entity.Id) ?? MessageCounts.None, $"sb://{request.Host}/");
        return AtomXml.Entry(Id(request, definition.Name), title, definition, content);
    }

    private static XElement RuleEntry(HttpRequest request, EntityDefinition subscription, RuleDefinition rule)
        => AtomXml.Entry(Id(request, $"{subscription.Name}/Rules/{rule.Name}"), rule.Name, subscription, RuleXml.Write(rule));

    private XElement NamespaceInfo(HttpRequest request) => new(
        AtomXml.ServiceBus + "NamespaceInfo",
        new XElement(AtomXml.ServiceBus + "CreatedTime", AtomXml.Time(Now)),
        new XElement(AtomXml.ServiceBus + "MessagingSKU", "Standard"),
        new XElement(AtomXml.ServiceBus + "ModifiedTime", AtomXml.Time(Now)),
        new XElement(AtomXml.ServiceBus + "Name", request.Host.Host),
        new XElement(AtomXml.ServiceBus + "NamespaceType", "Messaging"));

    [LoggerMessage(40, LogLevel.Warning, "An administration request failed")]
    private static partial void LogFailed(ILogger logger, Exception exception);
}
