using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace AiPlatform.Kernel.Errors;

/// <summary>
/// Finds which query parameter made the binding fail: for optional parameters the generated binding answers a bare 400 that
/// names none.
/// </summary>
public static class UnreadableParameter
{
    /// <summary>The first parameter of the route's handler whose value in the query does not parse, its name as the request spells it; null when there is none.</summary>
    public static (string Name, Type Type)? Find(HttpContext context)
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<MethodInfo>() is not { } handler || context.Request.Query.Count == 0)
        {
            return null;
        }

        foreach (var (name, type) in handler.GetParameters().SelectMany(Values))
        {
            var sent = context.Request.Query.FirstOrDefault(pair => pair.Key.Equals(name, StringComparison.OrdinalIgnoreCase));
            if (sent.Key is { } key && !string.IsNullOrEmpty(sent.Value) && !Parses(sent.Value.ToString(), Nullable.GetUnderlyingType(type) ?? type))
            {
                return (key, type);
            }
        }

        return null;
    }

    // A record that holds several parameters counts as these.
    private static IEnumerable<(string Name, Type Type)> Values(ParameterInfo parameter)
        => parameter.IsDefined(typeof(AsParametersAttribute))
            ? parameter.ParameterType.GetProperties().Where(static property => !property.IsDefined(typeof(CompilerGeneratedAttribute))).Select(static property => (property.Name, property.PropertyType))
            : [(parameter.Name ?? string.Empty, parameter.ParameterType)];

    private static bool Parses(string text, Type type) => Type.GetTypeCode(type) switch
    {
        TypeCode.Int32 when !type.IsEnum => int.TryParse(text, CultureInfo.InvariantCulture, out _),
        TypeCode.Int64 when !type.IsEnum => long.TryParse(text, CultureInfo.InvariantCulture, out _),
        TypeCode.Double => double.TryParse(text, CultureInfo.InvariantCulture, out _),
        TypeCode.Boolean => bool.TryParse(text, out _),
        _ => type != typeof(DateTimeOffset) || DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, out _),
    };
}
