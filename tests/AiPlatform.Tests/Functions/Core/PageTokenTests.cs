using AiPlatform.Contracts;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Paging;
using CsCheck;

namespace AiPlatform.Tests.Functions.Core;

public sealed class PageTokenTests
{
    [Fact]
    public void Any_keys_survive_encoding()
        => Gen.String.Array[1, 4].Where(static keys => keys.All(static key => !key.Contains('\0', StringComparison.Ordinal) && IsText(key)))
            .Sample(static keys => PageToken.Decode(PageToken.Encode(keys), keys.Length)!.SequenceEqual(keys, StringComparer.Ordinal));

    [Fact]
    public void No_text_makes_decoding_fail_otherwise_than_with_a_problem()
        => Gen.String.Sample(static text =>
        {
            try
            {
                var keys = PageToken.Decode(text, 1);
                return text.Length == 0 ? keys is null : keys is { Length: 1 };
            }
            catch (ApiException exception)
            {
                return exception.Code == ErrorCodes.InvalidPageToken;
            }
        });

    [Fact]
    public void A_token_of_another_list_is_refused()
        => Assert.Equal(ErrorCodes.InvalidPageToken, Assert.Throws<ApiException>(static () => PageToken.Decode(PageToken.Encode("a", "b"), 1)).Code);

    [Fact]
    public void A_page_has_a_token_only_when_another_follows()
    {
        var request = new PageRequest(2, null);
        var full = request.ToPage(["a", "b", "c"], static row => row, static row => [row]);
        Assert.Equal(["a", "b"], full.Items);
        Assert.Equal("b", new PageRequest(2, full.NextPageToken).Key());
        Assert.Null(request.ToPage(["a", "b"], static row => row, static row => [row]).NextPageToken);
    }

    private static bool IsText(string key) => key.All(static c => !char.IsSurrogate(c));
}
