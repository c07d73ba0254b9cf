using System.Net;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Xml;
using System.Xml.Linq;
using AiPlatform.Messaging.Authorization;
using Azure.Core;

namespace AiPlatform.Messaging.Administration;

/// <summary>
/// Creates, reads, changes and deletes queues, topics, subscriptions and rules through the administration protocol (ATOM XML over
/// HTTPS; plain HTTP with <c>UseDevelopmentEmulator=true</c>, whose endpoint then names the administration port).
/// </summary>
public class ServiceBusAdministrationClient : IDisposable
{
    private const string ApiVersion = "2021-05";
    private const int PageSize = 100;

    private static readonly string[] Scopes = ["https://servicebus.azure.net/.default"];

    private readonly Uri _base;
    private readonly Func<string, CancellationToken, Task<AuthenticationHeaderValue>> _authorize;
    private readonly HttpClient _http;

    /// <summary>Connects with a connection string.</summary>
    /// <exception cref="FormatException">The string is malformed.</exception>
    public ServiceBusAdministrationClient(string connectionString, HttpMessageHandler? handler = null)
    {
        var properties = ServiceBusConnectionStringProperties.Parse(connectionString);
        var scheme = properties.UseDevelopmentEmulator ? "http" : "https";
        var port = properties.Endpoint.Port > 0 ? $":{properties.Endpoint.Port}" : string.Empty;
        _base = new Uri($"{scheme}://{properties.Endpoint.Host}{port}/");
        _authorize = (address, _) => Task.FromResult(new AuthenticationHeaderValue("SharedAccessSignature", Signature(properties, address)));
        _http = Create(handler);
    }

    /// <summary>Connects with an Entra ID credential.</summary>
    public ServiceBusAdministrationClient(string fullyQualifiedNamespace, TokenCredential credential, HttpMessageHandler? handler = null)
    {
        _base = new Uri($"https://{fullyQualifiedNamespace}/");
        _authorize = async (_, token) => new AuthenticationHeaderValue("Bearer", (await credential.GetTokenAsync(new TokenRequestContext(Scopes), token)).Token);
        _http = Create(handler);
    }

    /// <summary>Creates a queue with the usual settings.</summary>
    /// <exception cref="ServiceBusException">Reason <see cref="ServiceBusFailureReason.MessagingEntityAlreadyExists"/>: there is such an entity.</exception>
    public virtual Task<QueueProperties> CreateQueueAsync(string name, CancellationToken cancellationToken = default)
        => CreateQueueAsync(new CreateQueueOptions(name), cancellationToken);

    /// <summary>Creates a queue.</summary>
    public virtual Task<QueueProperties> CreateQueueAsync(CreateQueueOptions options, CancellationToken cancellationToken = default)
        => PutAsync(options, () => new QueueProperties(options.Name), isUpdate: false, cancellationToken);

    /// <summary>Changes a queue's settings.</summary>
    public virtual Task<QueueProperties> UpdateQueueAsync(QueueProperties queue, CancellationToken cancellationToken = default)
        => PutAsync(queue, () => new QueueProperties(queue.Name), isUpdate: true, cancellationToken);

    /// <summary>A queue's settings.</summary>
    /// <exception cref="ServiceBusException">Reason <see cref="ServiceBusFailureReason.MessagingEntityNotFound"/>: there is no such queue.</exception>
    public virtual Task<QueueProperties> GetQueueAsync(string name, CancellationToken cancellationToken = default)
        => GetAsync(new QueueProperties(name), cancellationToken);

    /// <summary>All queues.</summary>
    public virtual IAsyncEnumerable<QueueProperties> GetQueuesAsync(CancellationToken cancellationToken = default)
        => ListAsync("$Resources/queues", static title => new QueueProperties(title), cancellationToken);

    /// <summary>What is in a queue now.</summary>
    public virtual Task<RuntimeProperties> GetQueueRuntimePropertiesAsync(string name, CancellationToken cancellationToken = default)
        => GetRuntimeAsync(new QueueProperties(name), cancellationToken);

    /// <summary>Whether there is such a queue.</summary>
    public virtual Task<bool> QueueExistsAsync(string name, CancellationToken cancellationToken = default) => ExistsAsync(new QueueProperties(name), cancellationToken);

    /// <summary>Deletes a queue with its messages.</summary>
    public virtual Task DeleteQueueAsync(string name, CancellationToken cancellationToken = default) => DeleteAsync(name, cancellationToken);

    /// <summary>Creates a topic with the usual settings.</summary>
    public virtual Task<TopicProperties> CreateTopicAsync(string name, CancellationToken cancellationToken = default)
        => CreateTopicAsync(new CreateTopicOptions(name), cancellationToken);

    /// <summary>Creates a topic.</summary>
    public virtual Task<TopicProperties> CreateTopicAsync(CreateTopicOptions options, CancellationToken cancellationToken = default)
        => PutAsync(options, () => new TopicProperties(options.Name), isUpdate: false, cancellationToken);

    /// <summary>Changes a topic's settings.</summary>
    public virtual Task<TopicProperties> UpdateTopicAsync(TopicProperties topic, CancellationToken cancellationToken = default)
        => PutAsync(topic, () => new TopicProperties(topic.Name), isUpdate: true, cancellationToken);

    /// <summary>A topic's settings.</summary>
    public virtual Task<TopicProperties> GetTopicAsync(string name, CancellationToken cancellationToken = default)
        => GetAsync(new TopicProperties(name), cancellationToken);

    /// <summary>All topics.</summary>
    public virtual IAsyncEnumerable<TopicProperties> GetTopicsAsync(CancellationToken cancellationToken = default)
        => ListAsync("$Resources/topics", static title => new TopicProperties(title), cancellationToken);

    /// <summary>What is in a topic now.</summary>
    public virtual Task<RuntimeProperties> GetTopicRuntimePropertiesAsync(string name, CancellationToken cancellationToken = default)
        => GetRuntimeAsync(new TopicProperties(name), cancellationToken);

    /// <summary>Whether there is such a topic.</summary>
    public virtual Task<bool> TopicExistsAsync(string name, CancellationToken cancellationToken = default) => ExistsAsync(new TopicProperties(name), cancellationToken);

    /// <summary>Deletes a topic with its subscriptions.</summary>
    public virtual Task DeleteTopicAsync(string name, CancellationToken cancellationToken = default) => DeleteAsync(name, cancellationToken);

    /// <summary>Creates a subscription with the usual settings, which gets every message.</summary>
    public virtual Task<SubscriptionProperties> CreateSubscriptionAsync(string topicName, string subscriptionName, CancellationToken cancellationToken = default)
        => CreateSubscriptionAsync(new CreateSubscriptionOptions(topicName, subscriptionName), cancellationToken);

    /// <summary>Creates a subscription with a first rule, or with one that selects every message.</summary>
    public virtual Task<SubscriptionProperties> CreateSubscriptionAsync(
        CreateSubscriptionOptions options, CreateRuleOptions? rule = null, CancellationToken cancellationToken = default)
        => PutAsync(options, () => new SubscriptionProperties(options.TopicName, options.SubscriptionName), isUpdate: false, cancellationToken, rule);

    /// <summary>Creates a subscription with the usual rule.</summary>
    public virtual Task<SubscriptionProperties> CreateSubscriptionAsync(CreateSubscriptionOptions options, CancellationToken cancellationToken)
        => CreateSubscriptionAsync(options, null, cancellationToken);

    /// <summary>Changes a subscription's settings.</summary>
    public virtual Task<SubscriptionProperties> UpdateSubscriptionAsync(SubscriptionProperties subscription, CancellationToken cancellationToken = default)
        => PutAsync(subscription, () => new SubscriptionProperties(subscription.TopicName, subscription.SubscriptionName), isUpdate: true, cancellationToken);

    /// <summary>A subscription's settings.</summary>
    public virtual Task<SubscriptionProperties> GetSubscriptionAsync(string topicName, string subscriptionName, CancellationToken cancellationToken = default)
        => GetAsync(new SubscriptionProperties(topicName, subscriptionName), cancellationToken);

    /// <summary>All subscriptions of a topic.</summary>
    public virtual IAsyncEnumerable<SubscriptionProperties> GetSubscriptionsAsync(string topicName, CancellationToken cancellationToken = default)
        => ListAsync($"{topicName}/Subscriptions", title => new SubscriptionProperties(topicName, title), cancellationToken);

    /// <summary>What is in a subscription now.</summary>
    public virtual Task<RuntimeProperties> GetSubscriptionRuntimePropertiesAsync(string topicName, string subscriptionName, CancellationToken cancellationToken = default)
        => GetRuntimeAsync(new SubscriptionProperties(topicName, subscriptionName), cancellationToken);

    /// <summary>Whether there is such a subscription.</summary>
    public virtual Task<bool> SubscriptionExistsAsync(string topicName, string subscriptionName, CancellationToken cancellationToken = default)
        => ExistsAsync(new SubscriptionProperties(topicName, subscriptionName), cancellationToken);

    /// <summary>Deletes a subscription with its messages.</summary>
    public virtual Task DeleteSubscriptionAsync(string topicName, string subscriptionName, CancellationToken cancellationToken = default)
        => DeleteAsync($"{topicName}/Subscriptions/{subscriptionName}", cancellationToken);

    /// <summary>Creates a rule.</summary>
    public virtual Task<RuleProperties> CreateRuleAsync(string topicName, string subscriptionName, CreateRuleOptions options, CancellationToken cancellationToken = default)
        => PutRuleAsync(topicName, subscriptionName, options, isUpdate: false, cancellationToken);

    /// <summary>Changes a rule.</summary>
    public virtual Task<RuleProperties> UpdateRuleAsync(string topicName, string subscriptionName, RuleProperties rule, CancellationToken cancellationToken = default)
        => PutRuleAsync(topicName, subscriptionName, rule, isUpdate: true, cancellationToken);

    /// <summary>A rule.</summary>
    public virtual async Task<RuleProperties> GetRuleAsync(string topicName, string subscriptionName, string ruleName, CancellationToken cancellationToken = default)
    {
        var path = RulePath(topicName, subscriptionName, ruleName);
        var entry = await SendAsync(HttpMethod.Get, path, null, isUpdate: false, cancellationToken);
        return new RuleProperties(Content(entry, "RuleDescription") ?? throw NotFound(path));
    }

    /// <summary>All rules of a subscription.</summary>
    public virtual async IAsyncEnumerable<RuleProperties> GetRulesAsync(
        string topicName, string subscriptionName, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await foreach (var entry in EntriesAsync($"{topicName}/Subscriptions/{subscriptionName}/Rules", cancellationToken))
        {
            if (Content(entry, "RuleDescription") is { } description)
            {
                yield return new RuleProperties(description);
            }
        }
    }

    /// <summary>Deletes a rule.</summary>
    public virtual Task DeleteRuleAsync(string topicName, string subscriptionName, string ruleName, CancellationToken cancellationToken = default)
        => DeleteAsync(RulePath(topicName, subscriptionName, ruleName), cancellationToken);

    /// <inheritdoc />
    public void Dispose()
    {
        _http.Dispose();
        GC.SuppressFinalize(this);
    }

    private static HttpClient Create(HttpMessageHandler? handler)
        => new(handler ?? new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.FromMinutes(5) }, disposeHandler: handler is null) { Timeout = TimeSpan.FromSeconds(60) };

    private static string Signature(ServiceBusConnectionStringProperties properties, string address)
    {
        const string prefix = "SharedAccessSignature ";
        var token = properties.SharedAccessSignature
            ?? SharedAccessSignature.Create(address, properties.SharedAccessKeyName!, properties.SharedAccessKey!, DateTimeOffset.UtcNow.AddMinutes(5));
        return token.StartsWith(prefix, StringComparison.Ordinal) ? token[prefix.Length..] : token;
    }

    private static string RulePath(string topicName, string subscriptionName, string ruleName) => $"{topicName}/Subscriptions/{subscriptionName}/Rules/{ruleName}";

    private static AtomElement? Content(XElement? entry, string name)
        => entry?.Element(AtomElement.Atom + "content")?.Element(AtomElement.ServiceBus + name) is { } description ? new AtomElement(description) : null;

    private static ServiceBusException NotFound(string path)
        => new($"The messaging entity '{path}' could not be found.", ServiceBusFailureReason.MessagingEntityNotFound, path);

    private async Task<T> PutAsync<T>(EntityProperties properties, Func<T> create, bool isUpdate, CancellationToken cancellationToken, RuleProperties? rule = null)
        where T : EntityProperties
    {
        var description = new XElement(AtomElement.ServiceBus + properties.ElementName, new XAttribute(XNamespace.Xmlns + "i", AtomElement.Instance));
        foreach (var (name, value) in properties.Write())
        {
            if (AtomElement.Format(value) is { } text)
            {
                description.Add(new XElement(AtomElement.ServiceBus + name, text));
            }
        }

        if (rule is not null)
        {
            var first = rule.Write();
            first.Name = AtomElement.ServiceBus + "DefaultRuleDescription";
            description.Add(first);
        }

        var entry = await SendAsync(HttpMethod.Put, properties.Path, description, isUpdate, cancellationToken);
        var result = create();
        result.Read(Content(entry, properties.ElementName) ?? throw NotFound(properties.Path));
        return result;
    }

    private async Task<RuleProperties> PutRuleAsync(string topicName, string subscriptionName, RuleProperties rule, bool isUpdate, CancellationToken cancellationToken)
    {
        var path = RulePath(topicName, subscriptionName, rule.Name);
        var entry = await SendAsync(HttpMethod.Put, path, rule.Write(), isUpdate, cancellationToken);
        return new RuleProperties(Content(entry, "RuleDescription") ?? throw NotFound(path));
    }

    private async Task<T> GetAsync<T>(T properties, CancellationToken cancellationToken)
        where T : EntityProperties
    {
        properties.Read(await DescriptionAsync(properties, cancellationToken) ?? throw NotFound(properties.Path));
        return properties;
    }

    private async Task<RuntimeProperties> GetRuntimeAsync(EntityProperties properties, CancellationToken cancellationToken)
        => new(properties.Path, await DescriptionAsync(properties, cancellationToken) ?? throw NotFound(properties.Path));

    private async Task<bool> ExistsAsync(EntityProperties properties, CancellationToken cancellationToken)
        => await DescriptionAsync(properties, cancellationToken) is not null;

    // The service answers with an empty list where there is no such entity.
    private async Task<AtomElement?> DescriptionAsync(EntityProperties properties, CancellationToken cancellationToken)
    {
        try
        {
            return Content(await SendAsync(HttpMethod.Get, properties.Path, null, isUpdate: false, cancellationToken), properties.ElementName);
        }
        catch (ServiceBusException exception) when (exception.Reason == ServiceBusFailureReason.MessagingEntityNotFound)
        {
            return null;
        }
    }

    private async IAsyncEnumerable<T> ListAsync<T>(string path, Func<string, T> create, [EnumeratorCancellation] CancellationToken cancellationToken)
        where T : EntityProperties
    {
        await foreach (var entry in EntriesAsync(path, cancellationToken))
        {
            var properties = create(entry.Element(AtomElement.Atom + "title")?.Value ?? string.Empty);
            if (Content(entry, properties.ElementName) is { } description)
            {
                properties.Read(description);
                yield return properties;
            }
        }
    }

    private async IAsyncEnumerable<XElement> EntriesAsync(string path, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (var skip = 0; ; skip += PageSize)
        {
            var feed = await SendAsync(HttpMethod.Get, path, null, isUpdate: false, cancellationToken, $"&$skip={skip}&$top={PageSize}");
            var entries = feed?.Elements(AtomElement.Atom + "entry").ToList() ?? [];
            foreach (var entry in entries)
            {
                yield return entry;
            }

            if (entries.Count < PageSize)
            {
                yield break;
            }
        }
    }

    private async Task DeleteAsync(string path, CancellationToken cancellationToken)
        => await SendAsync(HttpMethod.Delete, path, null, isUpdate: false, cancellationToken);

    private async Task<XElement?> SendAsync(
        HttpMethod method, string path, XElement? description, bool isUpdate, CancellationToken cancellationToken, string query = "")
    {
        var address = new Uri(_base, $"{string.Join('/', path.Split('/').Select(Uri.EscapeDataString))}?api-version={ApiVersion}{query}");
        using var request = new HttpRequestMessage(method, address);
        request.Headers.Authorization = await _authorize(new Uri(_base, path).AbsoluteUri, cancellationToken);
        if (isUpdate)
        {
            request.Headers.TryAddWithoutValidation("If-Match", "*");
        }

        if (description is not null)
        {
            var entry = new XElement(
                AtomElement.Atom + "entry",
                new XElement(AtomElement.Atom + "content", new XAttribute("type", "application/xml"), description));
            request.Content = new StringContent(entry.ToString(SaveOptions.DisableFormatting));
            request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse("application/atom+xml;type=entry;charset=utf-8");
        }

        try
        {
            using var response = await _http.SendAsync(request, cancellationToken);
            var text = await response.Content.ReadAsStringAsync(cancellationToken);
            return response.IsSuccessStatusCode
                ? text.Length == 0 ? null : XElement.Parse(text)
                : throw Failure(response.StatusCode, text, path, method == HttpMethod.Put && !isUpdate);
        }
        catch (HttpRequestException exception)
        {
            throw new ServiceBusException(exception.Message, ServiceBusFailureReason.ServiceCommunicationProblem, path, exception);
        }
        catch (XmlException exception)
        {
            throw new ServiceBusException("The answer is not XML.", ServiceBusFailureReason.GeneralError, path, exception);
        }
    }

    private static Exception Failure(HttpStatusCode status, string text, string path, bool isCreation)
    {
        var detail = text;
        try
        {
            detail = XElement.Parse(text).Elements().FirstOrDefault(static element => element.Name.LocalName == "Detail")?.Value ?? text;
        }
        catch (XmlException)
        {
            // A proxy's answer is told as it is.
        }

        return status switch
        {
            HttpStatusCode.Unauthorized => new UnauthorizedAccessException(detail),
            HttpStatusCode.NotFound => new ServiceBusException(detail, ServiceBusFailureReason.MessagingEntityNotFound, path),
            HttpStatusCode.Conflict when isCreation => new ServiceBusException(detail, ServiceBusFailureReason.MessagingEntityAlreadyExists, path),
            HttpStatusCode.Forbidden => new ServiceBusException(detail, ServiceBusFailureReason.QuotaExceeded, path),
            HttpStatusCode.BadRequest => new ArgumentException(detail),
            HttpStatusCode.ServiceUnavailable => new ServiceBusException(detail, ServiceBusFailureReason.ServiceBusy, path),
            _ => new ServiceBusException($"The service answered {(int)status}: {detail}", ServiceBusFailureReason.GeneralError, path),
        };
    }
}
