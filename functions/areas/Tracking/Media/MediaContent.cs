using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Experiments;
using AiPlatform.DataFiles.Images;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Tracking.Media;

/// <summary>Checked bytes of a piece of media: what they are was found out from them, not from what their sender said.</summary>
internal sealed record MediaContent(byte[] Bytes, string ContentType, string Extension, int? Width, int? Height)
{
    private const int Mebibyte = 1024 * 1024;
    private const int MaxLabels = 2_000;
    private const int MaxColumns = 500;
    private const int MaxEdges = 10_001;

    /// <summary>The most bytes of any kind.</summary>
    public const int MaxBytes = 16 * Mebibyte;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public byte[] Sha256 { get; } = SHA256.HashData(Bytes);

    /// <summary>The most bytes of a kind.</summary>
    public static int LimitOf(MediaKind kind) => kind switch
    {
        MediaKind.Image => MaxBytes,
        MediaKind.Table => 4 * Mebibyte,
        MediaKind.Histogram or MediaKind.Text or MediaKind.ConfusionMatrix => Mebibyte,
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Unknown kind."),
    };

    /// <summary>Checks bytes against what they are said to be.</summary>
    /// <exception cref="ApiException">400 naming <c>body</c>; 413.</exception>
    public static MediaContent Of(MediaKind kind, byte[] bytes)
    {
        if (bytes.Length > LimitOf(kind))
        {
            throw new ApiException(ErrorCodes.PayloadTooLarge);
        }

        if (kind == MediaKind.Image)
        {
            var image = ImageHeader.Read(bytes);
            var (type, extension) = TypeOf(image?.Format ?? ImageFormat.Unknown);
            Check.That(type.Length > 0, "body", "image");
            return new MediaContent(bytes, type, extension, image!.Width, image.Height);
        }

        var text = Text(bytes);
        if (kind == MediaKind.Text)
        {
            return new MediaContent(bytes, "text/plain; charset=utf-8", "txt", null, null);
        }

        using var document = Parse(text);
        var right = kind switch
        {
            MediaKind.Histogram => IsHistogram(document.RootElement),
            MediaKind.Table => IsTable(document.RootElement),
            _ => IsConfusionMatrix(document.RootElement),
        };
        Check.That(right, "body", "mediaShape", kind.ToText());
        return new MediaContent(bytes, "application/json", "json", null, null);
    }

    // What every browser shows.
    private static (string ContentType, string Extension) TypeOf(ImageFormat format) => format switch
    {
        ImageFormat.Png => ("image/png", "png"),
        ImageFormat.Jpeg => ("image/jpeg", "jpg"),
        ImageFormat.Gif => ("image/gif", "gif"),
        ImageFormat.WebP => ("image/webp", "webp"),
        _ => (string.Empty, string.Empty),
    };

    private static string Text(byte[] bytes)
    {
        try
        {
            return StrictUtf8.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            throw ApiException.Invalid("body", "utf8");
        }
    }

    private static JsonDocument Parse(string text)
    {
        try
        {
            return JsonDocument.Parse(text);
        }
        catch (JsonException)
        {
            throw ApiException.Invalid("body", "malformed");
        }
    }

    private static bool IsHistogram(JsonElement root)
        => Array(root, "edges") is { } edges && Array(root, "counts") is { } counts && edges.Count is >= 2 and <= MaxEdges && counts.Count == edges.Count - 1
            && edges.TrueForAll(IsNumber) && counts.TrueForAll(count => IsNumber(count) && count.GetDouble() >= 0)
            && edges.Zip(edges.Skip(1)).All(pair => pair.First.GetDouble() < pair.Second.GetDouble());

    private static bool IsTable(JsonElement root)
        => Array(root, "columns") is { } columns && Array(root, "rows") is { } rows && columns.Count is >= 1 and <= MaxColumns && columns.TrueForAll(IsText)
            && rows.TrueForAll(row => row.ValueKind == JsonValueKind.Array && row.GetArrayLength() == columns.Count && row.EnumerateArray().All(IsScalar));

    private static bool IsConfusionMatrix(JsonElement root)
        => Array(root, "labels") is { } labels && Array(root, "matrix") is { } matrix && labels.Count is >= 1 and <= MaxLabels && labels.TrueForAll(IsText) && matrix.Count == labels.Count
            && matrix.TrueForAll(row => row.ValueKind == JsonValueKind.Array && row.GetArrayLength() == labels.Count && row.EnumerateArray().All(cell => IsNumber(cell) && cell.GetDouble() >= 0));

    private static List<JsonElement>? Array(JsonElement root, string name)
        => root.ValueKind == JsonValueKind.Object && root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray()] : null;

    private static bool IsNumber(JsonElement value) => value.ValueKind == JsonValueKind.Number && double.IsFinite(value.GetDouble());

    private static bool IsText(JsonElement value) => value.ValueKind == JsonValueKind.String;

    private static bool IsScalar(JsonElement value) => value.ValueKind is not (JsonValueKind.Array or JsonValueKind.Object);
}
