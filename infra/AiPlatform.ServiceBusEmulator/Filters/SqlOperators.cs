using System.Globalization;

namespace AiPlatform.ServiceBusEmulator.Filters;

/// <summary>
/// The operators of the SQL dialect. Null is the unknown value: it makes arithmetic and comparisons unknown, and AND, OR and NOT
/// follow three-valued logic. Types are promoted as C# does it.
/// </summary>
internal static class SqlOperators
{
    internal static object? And(object? left, object? right)
        => (Truth(left), Truth(right)) switch
        {
            (false, _) or (_, false) => false,
            (true, true) => true,
            _ => null,
        };

    internal static object? Or(object? left, object? right)
        => (Truth(left), Truth(right)) switch
        {
            (true, _) or (_, true) => true,
            (false, false) => false,
            _ => null,
        };

    internal static object? Not(object? value) => Truth(value) is { } truth ? !truth : null;

    internal static bool? Truth(object? value) => value switch
    {
        null => null,
        bool truth => truth,
        _ => throw new FilterException($"A condition is expected, not a value of type {value.GetType().Name}."),
    };

    internal static object? Compare(string symbol, object? left, object? right)
    {
        if (left is null || right is null)
        {
            return null;
        }

        if (symbol is "=" or "<>" or "!=")
        {
            return AreEqual(left, right) == (symbol == "=");
        }

        var order = Order(left, right);
        return order is null
            ? false
            : symbol switch
            {
                "<" => order < 0,
                "<=" => order <= 0,
                ">" => order > 0,
                _ => order >= 0,
            };
    }

    /// <summary>Whether two values are equal; values of types that C# does not compare are an error.</summary>
    internal static bool AreEqual(object left, object right)
        => (left, right) switch
        {
            (bool a, bool b) => a == b,
            (Guid a, Guid b) => a == b,
            _ => Order(left, right) == 0,
        };

    internal static object? Calculate(string symbol, object? left, object? right)
    {
        if (left is null || right is null)
        {
            return null;
        }

        if (symbol == "+" && (left is string || right is string))
        {
            return Text(left) + Text(right);
        }

        try
        {
            return (Promote(left), Promote(right)) switch
            {
                (long a, long b) => Integer(symbol, a, b),
                (decimal a, decimal b) => Exact(symbol, a, b),
                (decimal a, long b) => Exact(symbol, a, b),
                (long a, decimal b) => Exact(symbol, a, b),
                ({ } a, { } b) => Real(symbol, Convert.ToDouble(a, CultureInfo.InvariantCulture), Convert.ToDouble(b, CultureInfo.InvariantCulture)),
                _ => throw Mismatch(symbol, left, right),
            };
        }
        catch (ArithmeticException exception)
        {
            throw new FilterException(exception.Message);
        }
    }

    internal static object? Negate(object? value) => Promote(value) switch
    {
        null when value is null => null,
        long number => unchecked(-number),
        double number => -number,
        decimal number => -number,
        _ => throw new FilterException($"A value of type {value!.GetType().Name} has no sign."),
    };

    private static long Integer(string symbol, long a, long b) => symbol switch
    {
        "+" => unchecked(a + b),
        "-" => unchecked(a - b),
        "*" => unchecked(a * b),
        "/" => a / b,
        _ => a % b,
    };

    private static decimal Exact(string symbol, decimal a, decimal b) => symbol switch
    {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        "/" => a / b,
        _ => a % b,
    };

    private static double Real(string symbol, double a, double b) => symbol switch
    {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        "/" => a / b,
        _ => a % b,
    };

    // Null when the values have no order, as with NaN.
    private static int? Order(object left, object right)
    {
        if ((Promote(left), Promote(right)) is ({ } a, { } b))
        {
            return (a, b) switch
            {
                (long x, long y) => x.CompareTo(y),
                (double or long, double or long) => Order(Convert.ToDouble(a, CultureInfo.InvariantCulture), Convert.ToDouble(b, CultureInfo.InvariantCulture)),
                (decimal, double) or (double, decimal) => Order(Convert.ToDouble(a, CultureInfo.InvariantCulture), Convert.ToDouble(b, CultureInfo.InvariantCulture)),
                _ => Convert.ToDecimal(a, CultureInfo.InvariantCulture).CompareTo(Convert.ToDecimal(b, CultureInfo.InvariantCulture)),
            };
        }

        return (left, right) switch
        {
            (string or char, string or char) => string.CompareOrdinal(Text(left), Text(right)),
            (DateTime x, DateTime y) => x.ToUniversalTime().CompareTo(y.ToUniversalTime()),
            (TimeSpan x, TimeSpan y) => x.CompareTo(y),
            _ => throw Mismatch("compare", left, right),
        };
    }

    private static int? Order(double a, double b) => double.IsNaN(a) || double.IsNaN(b) ? null : a.CompareTo(b);

    // The wider type that C# would choose; null for what is no number.
    private static object? Promote(object? value) => value switch
    {
        sbyte or byte or short or ushort or int or uint or long => Convert.ToInt64(value, CultureInfo.InvariantCulture),
        ulong number => number <= long.MaxValue ? (long)number : (decimal)number,
        float number => (double)number,
        double or decimal => value,
        _ => null,
    };

    private static string Text(object value) => Convert.ToString(value, CultureInfo.InvariantCulture) ?? string.Empty;

    private static FilterException Mismatch(string symbol, object left, object right)
        => new($"The operator '{symbol}' is not defined for {left.GetType().Name} and {right.GetType().Name}.");
}
