using System.Collections.Concurrent;
using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace AiPlatform.Functions.Documentation;

/// <summary>
/// The XML documentation that the compiler lays beside each assembly, as Markdown. An assembly without such a file has nothing to say.
/// </summary>
internal sealed partial class XmlDocs
{
    private readonly ConcurrentDictionary<Assembly, Dictionary<string, XElement>> _assemblies = new();

    /// <summary>What a type is.</summary>
    public string? Summary(Type type) => Text(Member(type, "T:" + Name(type)), "summary");

    /// <summary>An example of a type, as JSON.</summary>
    public string? Example(Type type) => Member(type, "T:" + Name(type))?.Element("example")?.Value.Trim();

    /// <summary>An example of what a method takes, as JSON, where its type says nothing.</summary>
    public string? Example(MethodInfo method) => Method(method)?.Element("example")?.Value.Trim();

    /// <summary>What a property is: its own words, or those of the parameter that a record made it from.</summary>
    public string? Summary(PropertyInfo property)
    {
        for (var type = property.DeclaringType; type is not null && type != typeof(object); type = type.BaseType)
        {
            var found = Text(Member(type, $"P:{Name(type)}.{property.Name}"), "summary")
                ?? Parameter(Member(type, "T:" + Name(type)), property.Name)
                ?? Constructors(type).Select(constructor => Parameter(constructor, property.Name)).FirstOrDefault(static text => text is not null);
            if (found is not null)
            {
                return found;
            }
        }

        return null;
    }

    /// <summary>What a value of an enumeration means.</summary>
    public string? Summary(Type type, string value) => Text(Member(type, $"F:{Name(type)}.{value}"), "summary");

    /// <summary>What a method does, and what is to be known besides.</summary>
    public string? Summary(MethodInfo method)
    {
        var member = Method(method);
        var (summary, remarks) = (Text(member, "summary"), Text(member, "remarks"));
        return remarks is null ? summary : $"{summary}\n\n{remarks}".Trim();
    }

    /// <summary>What a parameter of a method is, or of one of the records that hold its parameters.</summary>
    public string? Parameter(MethodInfo method, string name)
    {
        var found = Parameter(Method(method), name);
        foreach (var parameter in method.GetParameters())
        {
            if (found is null && Array.Find(parameter.ParameterType.GetProperties(), property => property.Name.Equals(name, StringComparison.OrdinalIgnoreCase)) is { } property
                && parameter.CustomAttributes.Any(static attribute => attribute.AttributeType.Name == "AsParametersAttribute"))
            {
                found = Summary(property);
            }
        }

        return found;
    }

    private static string? Parameter(XElement? member, string name)
        => member?.Elements("param").FirstOrDefault(element => name.Equals((string?)element.Attribute("name"), StringComparison.OrdinalIgnoreCase)) is { } found ? Markdown(found) : null;

    private static string? Text(XElement? member, string element) => member?.Element(element) is { } found ? Markdown(found) : null;

    private static string Markdown(XElement element)
    {
        var text = new StringBuilder();
        Append(text, element);
        var lines = Paragraphs().Split(text.ToString()).Select(static paragraph => Spaces().Replace(paragraph, " ").Trim());
        return string.Join("\n\n", lines).Trim();
    }

    private static void Append(StringBuilder text, XElement element)
    {
        foreach (var node in element.Nodes())
        {
            switch (node)
            {
                case XText words:
                    text.Append(words.Value);
                    break;
                case XElement { Name.LocalName: "c" } code:
                    text.Append('`').Append(code.Value).Append('`');
                    break;
                case XElement { Name.LocalName: "paramref" or "typeparamref" } parameter:
                    text.Append('`').Append(Camel((string?)parameter.Attribute("name") ?? string.Empty)).Append('`');
                    break;
                case XElement { Name.LocalName: "see" or "seealso" } see:
                    text.Append('`').Append(Reference(see)).Append('`');
                    break;
                case XElement { Name.LocalName: "para" } paragraph:
                    text.Append("\n\n");
                    Append(text, paragraph);
                    break;
                case XElement { Name.LocalName: "item" } item:
                    text.Append("\n\n* ");
                    Append(text, item);
                    break;
                case XElement other:
                    Append(text, other);
                    break;
            }
        }
    }

    // A type keeps its name; a property or a value of an enumeration has the name that JSON gives it.
    private static string Reference(XElement see)
    {
        if ((string?)see.Attribute("cref") is not { Length: > 2 } reference)
        {
            return (string?)see.Attribute("langword") ?? (string?)see.Attribute("href") ?? see.Value;
        }

        var name = reference[2..].Split('(')[0];
        var last = name[(name.LastIndexOf('.') + 1)..].Split('`')[0];
        return reference[0] is 'P' or 'F' ? Camel(last) : last;
    }

    private static string Camel(string name) => name.Length == 0 ? name : char.ToLowerInvariant(name[0]) + name[1..];

    private static string Name(Type type) => (type.IsGenericType ? type.GetGenericTypeDefinition() : type).FullName!.Replace('+', '.');

    private XElement? Member(Type type, string id) => Members(type.Assembly).GetValueOrDefault(id);

    private IEnumerable<XElement> Constructors(Type type)
        => Members(type.Assembly).Where(pair => pair.Key.StartsWith($"M:{Name(type)}.#ctor(", StringComparison.Ordinal)).Select(static pair => pair.Value);

    // Handlers are not overloaded.
    private XElement? Method(MethodInfo method)
    {
        if (method.DeclaringType is not { } type)
        {
            return null;
        }

        var id = $"M:{Name(type)}.{method.Name}";
        return Members(type.Assembly).Where(pair => pair.Key == id || pair.Key.StartsWith(id + "(", StringComparison.Ordinal)).Select(static pair => pair.Value).FirstOrDefault();
    }

    private Dictionary<string, XElement> Members(Assembly assembly) => _assemblies.GetOrAdd(assembly, static assembly =>
    {
        var file = Path.Combine(AppContext.BaseDirectory, assembly.GetName().Name + ".xml");
        return File.Exists(file)
            ? XDocument.Load(file, LoadOptions.PreserveWhitespace).Descendants("member").ToDictionary(static member => (string)member.Attribute("name")!, StringComparer.Ordinal)
            : [];
    });

    [GeneratedRegex(@"\s+", RegexOptions.None, 1000)]
    private static partial Regex Spaces();

    [GeneratedRegex(@"\n[ \t]*\n", RegexOptions.None, 1000)]
    private static partial Regex Paragraphs();
}
