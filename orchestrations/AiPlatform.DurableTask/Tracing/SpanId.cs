using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace AiPlatform.DurableTask;

/// <summary>
/// Gives a span an id of our choice. .NET makes span ids itself and has no other way; the official SDK does the same. A test
/// notices a runtime in which the field has another name.
/// </summary>
internal static class SpanId
{
    public static void Replace(Activity span, ActivitySpanId id) => Field(span) = id.ToHexString();

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_spanId")]
    private static extern ref string? Field(Activity span);
}
