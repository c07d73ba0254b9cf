using AiPlatform.Contracts;
using AiPlatform.Kernel.Errors;

namespace AiPlatform.Kernel.Paging;

/// <summary>Query parameters of every list; take it with <c>[AsParameters]</c>.</summary>
/// <param name="PageSize">1 to 500; 50 when absent.</param>
/// <param name="PageToken">From the previous page.</param>
public readonly record struct PageRequest(int? PageSize, string? PageToken)
{
    private const int DefaultSize = 50;
    private const int MaxSize = 500;

    /// <summary>The number of items to return. Read one more row to know whether another page follows.</summary>
    /// <exception cref="ApiException">400 when the size is out of range.</exception>
    public int Size => PageSize switch
    {
        null => DefaultSize,
        >= 1 and <= MaxSize => PageSize.Value,
        _ => throw ApiException.Invalid("pageSize", "range", 1, MaxSize),
    };

    /// <summary>The sort keys after which the page begins; null for the first page.</summary>
    public string[]? Keys(int count) => AiPlatform.Kernel.Paging.PageToken.Decode(PageToken, count);

    /// <summary>The single sort key after which the page begins; null for the first page.</summary>
    public string? Key() => Keys(1)?[0];

    /// <summary>As <see cref="Key"/>, for lists that are sorted by a number.</summary>
    /// <exception cref="ApiException">400 <c>invalid_page_token</c>.</exception>
    public long? Number() => Key() is not { } key ? null
        : long.TryParse(key, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var number) ? number
        : throw new ApiException(ErrorCodes.InvalidPageToken) { Field = "pageToken" };

    /// <summary>Makes a page of <paramref name="rows"/>, which were read with a limit of <see cref="Size"/> + 1.</summary>
    /// <param name="rows">The rows in list order.</param>
    /// <param name="item">Makes the item of the answer.</param>
    /// <param name="keys">The sort keys of a row.</param>
    public Page<TItem> ToPage<TRow, TItem>(IEnumerable<TRow> rows, Func<TRow, TItem> item, Func<TRow, string[]> keys)
    {
        var list = rows as IReadOnlyList<TRow> ?? [.. rows];
        return list.Count <= Size
            ? new Page<TItem>([.. list.Select(item)])
            : new Page<TItem>([.. list.Take(Size).Select(item)], AiPlatform.Kernel.Paging.PageToken.Encode(keys(list[Size - 1])));
    }
}
