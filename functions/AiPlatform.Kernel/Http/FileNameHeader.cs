using Microsoft.Net.Http.Headers;

namespace AiPlatform.Kernel.Http;

/// <summary>Says in <c>Content-Disposition</c> what a download is called: in any script, as RFC 6266 and RFC 8187 say.</summary>
public static class FileNameHeader
{
    /// <summary>The last part of a path.</summary>
    public static string NameOf(string path) => path[(path.LastIndexOf('/') + 1)..];

    /// <summary>The header's value: a plain name for old clients, and the real one in <c>filename*</c>.</summary>
    public static string Attachment(string path)
    {
        var header = new ContentDispositionHeaderValue("attachment");
        header.SetHttpFileName(NameOf(path));
        return header.ToString();
    }
}
