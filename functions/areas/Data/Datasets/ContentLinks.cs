using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using AiPlatform.Contracts;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Http;

namespace AiPlatform.Data.Datasets;

/// <summary>
/// Short-lived URLs of this API for contents that lie in several blobs, which no single SAS URL can give. Like a SAS URL, whoever
/// has one may read that content until it ends.
/// </summary>
internal sealed class ContentLinks
{
    /// <summary>The route of the links.</summary>
    public const string Route = "/v1/dataset-contents/{token}/{**name}";

    private readonly byte[] _key;
    private readonly TimeProvider _time;

    public ContentLinks(IConfiguration configuration, TimeProvider time)
    {
        // A key of its own, so that no token of one kind is one of another.
        var signing = Convert.FromBase64String(configuration["Identity:SigningKey"] ?? throw new InvalidOperationException("Set Identity__SigningKey."));
        _key = HKDF.DeriveKey(HashAlgorithmName.SHA256, signing, 32, info: "dataset-contents"u8.ToArray());
        _time = time;
    }

    /// <summary>A URL that gives the content.</summary>
    /// <param name="origin">Scheme and host of the API as the caller sees it.</param>
    /// <param name="path">The file's path: its last part is in the URL, for tools that name files by it.</param>
    public string Url(string origin, StoredContent content, string path, TimeSpan lifetime)
    {
        var until = (_time.GetUtcNow() + lifetime).ToUnixTimeSeconds();
        var text = Encoding.UTF8.GetBytes($"{until}:{content.ProjectId}:{content.Sha256}");
        var name = Uri.EscapeDataString(path[(path.LastIndexOf('/') + 1)..]);
        return $"{origin}/v1/dataset-contents/{Base64Url.EncodeToString(text)}.{Base64Url.EncodeToString(HMACSHA256.HashData(_key, text))}/{name}";
    }

    /// <summary>The project and hash that a token names.</summary>
    /// <exception cref="ApiException">403 when it is not one of ours or has ended.</exception>
    public (string ProjectId, byte[] Sha256) Read(string token)
    {
        var dot = token.IndexOf('.', StringComparison.Ordinal);
        if (dot > 0 && Base64Url.IsValid(token.AsSpan(0, dot)) && Base64Url.IsValid(token.AsSpan(dot + 1)))
        {
            var text = Base64Url.DecodeFromChars(token.AsSpan(0, dot));
            if (CryptographicOperations.FixedTimeEquals(HMACSHA256.HashData(_key, text), Base64Url.DecodeFromChars(token.AsSpan(dot + 1))))
            {
                var fields = Encoding.UTF8.GetString(text).Split(':');
                if (long.Parse(fields[0], CultureInfo.InvariantCulture) > _time.GetUtcNow().ToUnixTimeSeconds())
                {
                    return (fields[1], Convert.FromHexString(fields[2]));
                }
            }
        }

        throw new ApiException(ErrorCodes.Forbidden);
    }

    /// <summary>Scheme and host of the API as the sender of the request sees it.</summary>
    public static string Origin(HttpRequest request) => PublicAddress.Of(request);
}
