using AiPlatform.Ports.Tracking;
using CsCheck;

namespace AiPlatform.Tests.Functions.Tracking;

public sealed class RunBlobTests
{
    [Fact]
    public void The_name_of_an_artifacts_blob_says_whose_it_is()
        => Gen.Select(Gen.Byte.Array[32], Gen.Char["abc/. "].Array[1, 20]).Sample((sha256, path) =>
        {
            var text = new string(path);
            var name = RunBlob.Name("run", Convert.ToHexStringLower(sha256), text);
            var blob = RunBlob.Parse(name)!;
            Assert.Equal((name, "run", text), (blob.FullName, blob.Owner, blob.Path));
            Assert.Equal(sha256, blob.Sha256);
        });

    [Theory]
    [InlineData("run/uploads/0123")]
    [InlineData("run/artifacts/0123/x")]
    [InlineData("run/artifacts/zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz/x")]
    [InlineData("")]
    public void Other_names_say_nothing(string name) => Assert.Null(RunBlob.Parse(name));
}
