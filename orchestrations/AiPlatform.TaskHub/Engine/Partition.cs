using System.Security.Cryptography;
using System.Text;

namespace AiPlatform.TaskHub.Engine;

/// <summary>Which part of all instances and entities an id belongs to. The database computes the same for what is older than partitions.</summary>
internal static class Partition
{
    /// <summary>How many there are; fixed, for it is in the rows.</summary>
    public const int Count = 16;

    /// <summary>The partition of an instance or entity.</summary>
    public static int Of(string id)
    {
        var length = Encoding.UTF8.GetMaxByteCount(id.Length);
        Span<byte> text = length <= 512 ? stackalloc byte[length] : new byte[length];
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(text[..Encoding.UTF8.GetBytes(id, text)], hash);
        return hash[0] % Count;
    }
}
