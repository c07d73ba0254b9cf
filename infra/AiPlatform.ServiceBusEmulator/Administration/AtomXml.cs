using System.Globalization;
using System.Xml;
using System.Xml.Linq;
using AiPlatform.ServiceBusEmulator.Entities;

namespace AiPlatform.ServiceBusEmulator.Administration;

/// <summary>The ATOM envelopes of the administration protocol.</summary>
internal static class AtomXml
{
    internal static readonly XNamespace Atom = "http://www.w3.org/2005/Atom";
    internal static readonly XNamespace ServiceBus = "http://schemas.microsoft.com/netservices/2010/10/servicebus/connect";
    internal static readonly XNamespace Instance = "http://www.w3.org/2001/XMLSchema-instance";
    internal static readonly XNamespace Schema = "http://www.w3.org/2001/XMLSchema";
    internal static readonly XNamespace Counts = "http://schemas.microsoft.com/netservices/2011/06/servicebus";

    // How the service writes "for ever".
    private const string Forever = "P10675199DT2H48M5.4775807S";

    private static readonly XmlReaderSettings Settings = new()
    {
        Async = true,
        DtdProcessing = DtdProcessing.Prohibit,
        XmlResolver = null,
        MaxCharactersInDocument = 256 * 1024,
    };

    /// <summary>Reads the description in an entry.</summary>
    /// <exception cref="EntityException">The text is not such an entry.</exception>
    internal static async Task<XElement> ReadContentAsync(Stream body, string name, CancellationToken cancellationToken)
    {
        try
        {
            using var reader = XmlReader.Create(body, Settings);
            var document = await XDocument.LoadAsync(reader, LoadOptions.None, cancellationToken);
            return document.Root?.Element(Atom + "content")?.Element(ServiceBus + name)
                ?? throw new EntityException(EntityProblem.Invalid, $"SubCode=40000. The body is not an ATOM entry with a {name}.");
        }
        catch (XmlException exception)
        {
            throw new EntityException(EntityProblem.Invalid, $"SubCode=40000. The body is not XML: {exception.Message}");
        }
    }

    internal static XElement Entry(string id, string title, EntityDefinition? times, XElement content) => new(
        Atom + "entry",
        new XElement(Atom + "id", id),
        new XElement(Atom + "title", new XAttribute("type", "text"), title),
        new XElement(Atom + "published", Time(times?.CreatedAt ?? default)),
        new XElement(Atom + "updated", Time(times?.UpdatedAt ?? default)),
        new XElement(Atom + "link", new XAttribute("rel", "self"), new XAttribute("href", id)),
        new XElement(Atom + "content", new XAttribute("type", "application/xml"), content));

    internal static XElement Feed(string id, string title, string? next, IEnumerable<XElement> entries) => new(
        Atom + "feed",
        new XElement(Atom + "title", new XAttribute("type", "text"), title),
        new XElement(Atom + "id", id),
        new XElement(Atom + "updated", Time(default)),
        new XElement(Atom + "link", new XAttribute("rel", "self"), new XAttribute("href", id)),
        next is null ? null : new XElement(Atom + "link", new XAttribute("rel", "next"), new XAttribute("href", next)),
        entries);

    internal static XElement Error(int status, string detail) => new("Error", new XElement("Code", status), new XElement("Detail", detail));

    internal static string Time(DateTime time) => time.ToUniversalTime().ToString("yyyy-MM-ddTHH:mm:ss.fffffffZ", CultureInfo.InvariantCulture);

    internal static string Duration(TimeSpan span) => span == TimeSpan.MaxValue ? Forever : XmlConvert.ToString(span);

    /// <summary>Reads a duration; one that is too long to be one is "for ever".</summary>
    /// <exception cref="EntityException">The text is no duration.</exception>
    internal static TimeSpan ReadDuration(string text)
    {
        try
        {
            var span = XmlConvert.ToTimeSpan(text);
            return span >= XmlConvert.ToTimeSpan(Forever) ? TimeSpan.MaxValue : span;
        }
        catch (OverflowException)
        {
            return TimeSpan.MaxValue;
        }
        catch (FormatException)
        {
            throw new EntityException(EntityProblem.Invalid, $"SubCode=40000. '{text}' is not a duration.");
        }
    }
}
