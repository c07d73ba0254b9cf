using System.Text;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Experiments;
using AiPlatform.DataFiles.Images;
using AiPlatform.Kernel.Errors;
using AiPlatform.Tracking.Media;
using CsCheck;

namespace AiPlatform.Tests.Functions.Tracking;

public sealed class MediaContentTests
{
    /// <summary>Headers of real encoders: PNG 3×2, GIF 5×7, JPEG 640×480 behind a long segment, WebP in its three forms.</summary>
    public static TheoryData<string, string, int, int> Images { get; } = new()
    {
        { "89504E470D0A1A0A0000000D49484452000000030000000208020000", "image/png", 3, 2 },
        { "4749463839610500070080000000", "image/gif", 5, 7 },
        { "FFD8FFE000104A46494600010100000100010000FFFFC0001108" + "01E002800301", "image/jpeg", 640, 480 },
        { "52494646000000005745425056503820000000000000009D012A4001F000" + "0000", "image/webp", 320, 240 },
        { "5249464600000000574542505650384C000000002F3FC13B0000000000000000", "image/webp", 320, 240 },
        { "524946460000000057454250565038580A000000100000003F0100EF0000", "image/webp", 320, 240 },
    };

    [Theory]
    [MemberData(nameof(Images))]
    public void Images_are_known_by_their_bytes(string hex, string type, int width, int height)
    {
        var image = MediaContent.Of(MediaKind.Image, Convert.FromHexString(hex));
        Assert.Equal((type, width, height), (image.ContentType, image.Width!.Value, image.Height!.Value));
    }

    [Fact]
    public void What_is_cut_off_or_no_image_is_refused_and_never_breaks_the_reader()
    {
        foreach (var row in Images)
        {
            var bytes = Convert.FromHexString((string)((object[])row)[0]);
            for (var length = 0; length < 9; length++)
            {
                Assert.Null(ImageHeader.Read(bytes.AsSpan(0, length)));
            }
        }

        Gen.Select(Gen.Int[0, 5], Gen.Byte.Array[0, 60]).Sample((image, noise) =>
        {
            var bytes = Convert.FromHexString((string)((object[])Images.ElementAt(image))[0]);
            ImageHeader.Read([.. bytes.Take(Math.Min(bytes.Length, 12)), .. noise]);
            ImageHeader.Read(noise);
        });
        Assert.Null(ImageHeader.Read(Encoding.UTF8.GetBytes("<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>")));
    }

    [Theory]
    [InlineData(MediaKind.Histogram, """{"edges":[0,1,2.5],"counts":[3,0]}""", true)]
    [InlineData(MediaKind.Histogram, """{"edges":[0,1],"counts":[3,0]}""", false)]
    [InlineData(MediaKind.Histogram, """{"edges":[0,1,1],"counts":[3,0]}""", false)]
    [InlineData(MediaKind.Histogram, """{"edges":[0,1,2],"counts":[3,-1]}""", false)]
    [InlineData(MediaKind.Histogram, """{"edges":[0,1e999],"counts":[3]}""", false)]
    [InlineData(MediaKind.Table, """{"columns":["a","b"],"rows":[[1,"x"],[null,true]]}""", true)]
    [InlineData(MediaKind.Table, """{"columns":["a","b"],"rows":[[1]]}""", false)]
    [InlineData(MediaKind.Table, """{"columns":["a"],"rows":[[[1]]]}""", false)]
    [InlineData(MediaKind.ConfusionMatrix, """{"labels":["a","b"],"matrix":[[1,2],[3,4]]}""", true)]
    [InlineData(MediaKind.ConfusionMatrix, """{"labels":["a","b"],"matrix":[[1,2]]}""", false)]
    [InlineData(MediaKind.ConfusionMatrix, """{"labels":["a"],"matrix":[["1"]]}""", false)]
    [InlineData(MediaKind.ConfusionMatrix, """[1]""", false)]
    [InlineData(MediaKind.Histogram, "not json", false)]
    [InlineData(MediaKind.Text, "anything", true)]
    public void The_shapes_of_documents_are_checked(MediaKind kind, string body, bool right)
    {
        var refused = Record.Exception(() => MediaContent.Of(kind, Encoding.UTF8.GetBytes(body)));
        Assert.Equal(right, refused is null);
        Assert.True(refused is null or ApiException { Code: ErrorCodes.InvalidRequest, Field: "body" }, refused?.ToString());
    }

    [Fact]
    public void Texts_are_utf8_and_nothing_is_larger_than_its_kind_allows()
    {
        Assert.Equal("body", Assert.Throws<ApiException>(() => MediaContent.Of(MediaKind.Text, [0xC3, 0x28])).Field);
        foreach (var kind in Enum.GetValues<MediaKind>())
        {
            Assert.Equal(ErrorCodes.PayloadTooLarge, Assert.Throws<ApiException>(() => MediaContent.Of(kind, new byte[MediaContent.LimitOf(kind) + 1])).Code);
        }
    }
}
