using System.Globalization;
using System.Xml;
using System.Xml.Linq;

namespace AiPlatform.Messaging.Administration;

/// <summary>A description in the administration protocol's XML, read by name.</summary>
internal sealed class AtomElement(XElement element)
{
    internal static readonly XNamespace Atom = "http://www.w3.org/2005/Atom";
    internal static readonly XNamespace ServiceBus = "http://schemas.microsoft.com/netservices/2010/10/servicebus/connect";
    internal static readonly XNamespace Instance = "http://www.w3.org/2001/XMLSchema-instance";

    private const string Forever = "P10675199DT2H48M5.4775807S";

    private static readonly XNamespace Counts = "http://schemas.microsoft.com/netservices/2011/06/servicebus";
    private static readonly XNamespace Schema = "http://www.w3.org/2001/XMLSchema";

    /// <summary>The local part of the type attribute.</summary>
    internal string? Type => TypeOf(element);

    internal static XElement Typed(string name, string type, params object?[] content) => new(ServiceBus + name, new XAttribute(Instance + "type", type), content);

    /// <summary>A value as the protocol writes it; null for what is left out.</summary>
    internal static string? Format(object? value) => value switch
    {
        null => null,
        TimeSpan span => span == TimeSpan.MaxValue ? Forever : XmlConvert.ToString(span),
        bool flag => XmlConvert.ToString(flag),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture),
    };

    internal static XElement? Map(string name, IDictionary<string, object> values) => values.Count == 0
        ? null
        : new XElement(ServiceBus + name, values.Select(static pair => new XElement(
            ServiceBus + "KeyValueOfstringanyType",
            new XElement(ServiceBus + "Key", pair.Key),
            new XElement(
                ServiceBus + "Value",
                new XAttribute(XNamespace.Xmlns + "x", Schema),
                new XAttribute(Instance + "type", "x:" + SchemaType(pair.Value)),
                pair.Value is DateTime time ? XmlConvert.ToString(time, XmlDateTimeSerializationMode.Utc) : Format(pair.Value)))));

    internal AtomElement? Element(string name) => element.Element(ServiceBus + name) is { } child ? new AtomElement(child) : null;

    internal string? Text(string name) => element.Element(ServiceBus + name)?.Value is { Length: > 0 } value ? value : null;

    internal bool Flag(string name) => Text(name) is { } value && XmlConvert.ToBoolean(value);

    internal long Number(string name) => Text(name) is { } value ? XmlConvert.ToInt64(value) : 0;

    internal TimeSpan Duration(string name) => Text(name) switch
    {
        null or Forever => TimeSpan.MaxValue,
        { } value => XmlConvert.ToTimeSpan(value),
    };

    internal DateTimeOffset Time(string name) => Text(name) is { } value ? XmlConvert.ToDateTimeOffset(value) : default;

    internal long Count(string name) => element.Element(ServiceBus + "CountDetails")?.Element(Counts + name)?.Value is { } value ? XmlConvert.ToInt64(value) : 0;

    internal void ReadMap(string name, IDictionary<string, object> target)
    {
        foreach (var pair in element.Element(ServiceBus + name)?.Elements() ?? [])
        {
            if (pair.Element(ServiceBus + "Key")?.Value is { } key && pair.Element(ServiceBus + "Value") is { } value)
            {
                target[key] = Parse(TypeOf(value), value.Value);
            }
        }
    }

    private static string? TypeOf(XElement element) => element.Attribute(Instance + "type")?.Value is { } type ? type[(type.LastIndexOf(':') + 1)..] : null;

    private static object Parse(string? type, string value) => type switch
    {
        "int" => XmlConvert.ToInt32(value),
        "long" => XmlConvert.ToInt64(value),
        "double" => XmlConvert.ToDouble(value),
        "decimal" => XmlConvert.ToDecimal(value),
        "boolean" => XmlConvert.ToBoolean(value),
        "dateTime" => XmlConvert.ToDateTime(value, XmlDateTimeSerializationMode.Utc),
        "duration" => XmlConvert.ToTimeSpan(value),
        "guid" => XmlConvert.ToGuid(value),
        _ => value,
    };

    private static string SchemaType(object value) => value switch
    {
        string => "string",
        bool => "boolean",
        int => "int",
        long => "long",
        float or double => "double",
        decimal => "decimal",
        DateTime => "dateTime",
        TimeSpan => "duration",
        Guid => "guid",
        _ => throw new ArgumentException($"A rule cannot have a value of type {value.GetType().Name}.", nameof(value)),
    };
}
