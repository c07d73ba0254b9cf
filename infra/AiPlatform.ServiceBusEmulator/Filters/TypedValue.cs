using System.Globalization;
using System.Xml;

namespace AiPlatform.ServiceBusEmulator.Filters;

/// <summary>A property's value with its XML schema type, as the administration protocol names it; also how it is stored.</summary>
/// <param name="Type">The local name of the XML schema type, such as <c>string</c> or <c>long</c>.</param>
/// <param name="Value">The value in the lexical form of that type.</param>
internal sealed record TypedValue(string Type, string Value)
{
    /// <exception cref="FilterException">A filter cannot have a value of this type.</exception>
    internal static TypedValue Of(object value) => value switch
    {
        string text => new TypedValue("string", text),
        bool truth => new TypedValue("boolean", XmlConvert.ToString(truth)),
        sbyte or byte or short or ushort or int => new TypedValue("int", Convert.ToString(value, CultureInfo.InvariantCulture)!),
        uint or long => new TypedValue("long", Convert.ToString(value, CultureInfo.InvariantCulture)!),
        float or double => new TypedValue("double", XmlConvert.ToString(Convert.ToDouble(value, CultureInfo.InvariantCulture))),
        ulong or decimal => new TypedValue("decimal", Convert.ToString(value, CultureInfo.InvariantCulture)!),
        DateTime time => new TypedValue("dateTime", XmlConvert.ToString(time, XmlDateTimeSerializationMode.Utc)),
        TimeSpan span => new TypedValue("duration", XmlConvert.ToString(span)),
        Guid id => new TypedValue("guid", id.ToString("D")),
        _ => throw new FilterException($"A filter cannot have a value of type {value.GetType().Name}."),
    };

    /// <exception cref="FilterException">The text is not of the type, or the type is not known.</exception>
    internal object ToObject()
    {
        try
        {
            return Type switch
            {
                "string" => Value,
                "boolean" => XmlConvert.ToBoolean(Value),
                "int" or "short" or "byte" or "unsignedByte" or "unsignedShort" => XmlConvert.ToInt32(Value),
                "long" or "unsignedInt" => XmlConvert.ToInt64(Value),
                "double" or "float" => XmlConvert.ToDouble(Value),
                "decimal" or "unsignedLong" => XmlConvert.ToDecimal(Value),
                "dateTime" => XmlConvert.ToDateTime(Value, XmlDateTimeSerializationMode.Utc),
                "duration" => XmlConvert.ToTimeSpan(Value),
                "guid" => XmlConvert.ToGuid(Value),
                _ => throw new FilterException($"A filter cannot have a value of type '{Type}'."),
            };
        }
        catch (Exception exception) when (exception is FormatException or OverflowException)
        {
            throw new FilterException($"'{Value}' is not a value of type {Type}.");
        }
    }
}
