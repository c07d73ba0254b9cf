using System.Globalization;
using AiPlatform.ServiceBusEmulator.Messages;
using Amqp;
using Amqp.Framing;

namespace AiPlatform.ServiceBusEmulator.Filters;

/// <summary>A message as filters and actions see it: decoded when the first of them asks.</summary>
internal sealed class FilteredMessage(byte[] payload, DateTime enqueuedAt, DateTime? expiresAt)
{
    private static readonly Dictionary<string, Func<FilteredMessage, object?>> Readers = new(StringComparer.OrdinalIgnoreCase)
    {
        ["MessageId"] = static message => Text(message.Properties.GetMessageId()),
        ["CorrelationId"] = static message => Text(message.Properties.GetCorrelationId()),
        ["ContentType"] = static message => (string?)message.Properties.ContentType,
        ["Label"] = static message => message.Properties.Subject,
        ["Subject"] = static message => message.Properties.Subject,
        ["To"] = static message => message.Properties.To,
        ["ReplyTo"] = static message => message.Properties.ReplyTo,
        ["SessionId"] = static message => message.Properties.GroupId,
        ["ReplyToSessionId"] = static message => message.Properties.ReplyToGroupId,
        ["TimeToLive"] = static message => message.TimeToLive,
        ["EnqueuedTimeUtc"] = static message => message.EnqueuedAt,
        ["ExpiresAtUtc"] = static message => message.ExpiresAt,
        ["Size"] = static message => (long)message.Size,
    };

    private static readonly Dictionary<string, Action<FilteredMessage, string?>> Writers = new(StringComparer.OrdinalIgnoreCase)
    {
        ["MessageId"] = static (message, value) => message.Properties.MessageId = value,
        ["CorrelationId"] = static (message, value) => message.Properties.CorrelationId = value,
        ["ContentType"] = static (message, value) => message.Properties.ContentType = value,
        ["Label"] = static (message, value) => message.Properties.Subject = value,
        ["Subject"] = static (message, value) => message.Properties.Subject = value,
        ["To"] = static (message, value) => message.Properties.To = value,
        ["ReplyTo"] = static (message, value) => message.Properties.ReplyTo = value,
        ["SessionId"] = static (message, value) => message.Properties.GroupId = value,
        ["ReplyToSessionId"] = static (message, value) => message.Properties.ReplyToGroupId = value,
    };

    private readonly Dictionary<string, object> _changed = new(StringComparer.Ordinal);
    private readonly HashSet<string> _removed = new(StringComparer.Ordinal);
    private Message? _message;
    private bool _hasOtherProperties;

    private Message Decoded => _message ??= EncodedMessage.Decode(payload);

    private Properties Properties => Decoded.Properties ??= new Properties();

    private DateTime EnqueuedAt => enqueuedAt;

    private DateTime ExpiresAt => expiresAt ?? DateTime.MaxValue;

    private TimeSpan TimeToLive => expiresAt is { } end ? end - enqueuedAt : TimeSpan.MaxValue;

    private int Size => payload.Length;

    internal static bool IsSystemProperty(string name) => Readers.ContainsKey(name);

    internal static bool IsWritableSystemProperty(string name) => Writers.ContainsKey(name);

    internal object? GetSystem(string name)
        => Readers.TryGetValue(name, out var read) ? read(this) : throw new FilterException($"There is no system property '{name}'.");

    internal void SetSystem(string name, object? value)
    {
        Writers[name](this, value is null ? null : Convert.ToString(value, CultureInfo.InvariantCulture));
        _hasOtherProperties = true;
    }

    internal bool HasUser(string name) => FindKey(name) is not null;

    internal object? GetUser(string name) => FindKey(name) is { } key ? Decoded.ApplicationProperties.Map[key] : null;

    /// <summary>Sets a property, as a value of the type that it had, if that can be.</summary>
    internal void SetUser(string name, object? value)
    {
        var key = FindKey(name) ?? name;
        Decoded.ApplicationProperties ??= new ApplicationProperties();
        var map = Decoded.ApplicationProperties.Map;
        map[key] = Converted(value, map[key]?.GetType());
        _changed[(string)key] = map[key];
        _removed.Remove((string)key);
    }

    internal void RemoveUser(string name)
    {
        if (FindKey(name) is { } key)
        {
            Decoded.ApplicationProperties.Map.Remove(key);
            _changed.Remove((string)key);
            _removed.Add((string)key);
        }
    }

    /// <summary>The message with what actions changed; all else keeps its bytes.</summary>
    internal byte[] Encode()
    {
        var result = _hasOtherProperties ? new BareMessage(payload).WithProperties(Properties) : payload;
        return _changed.Count + _removed.Count == 0 ? result : new BareMessage(result).WithApplicationProperties(_changed, _removed);
    }

    // A binary id has no text.
    private static string? Text(object? id) => id switch { null or byte[] => null, _ => id.ToString() };

    private static object? Converted(object? value, Type? type)
    {
        if (value is null || type is null || value.GetType() == type)
        {
            return value;
        }

        try
        {
            return Convert.ChangeType(value, type, CultureInfo.InvariantCulture);
        }
        catch (Exception exception) when (exception is InvalidCastException or FormatException or OverflowException)
        {
            // What cannot be converted changes the property's type.
            return value;
        }
    }

    // Names differ not by case; an exact match goes first.
    private object? FindKey(string name)
    {
        if (Decoded.ApplicationProperties?.Map is not { Count: > 0 } map)
        {
            return null;
        }

        return map.ContainsKey(name) ? name : map.Keys.FirstOrDefault(key => name.Equals(key as string, StringComparison.OrdinalIgnoreCase));
    }
}
