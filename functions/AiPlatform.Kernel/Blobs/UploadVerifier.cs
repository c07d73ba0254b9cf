using System.Security.Cryptography;
using AiPlatform.Contracts;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Kernel.Blobs;

/// <summary>
/// Reads what a client uploaded, compares it with what the client announced, and copies what is right to where no
/// client can write: an upload URL that still works afterwards cannot change verified content.
/// </summary>
public sealed class UploadVerifier(BlobStorage storage)
{
    /// <summary>Verifies one upload and copies it to <paramref name="target"/>. The upload stays until it is deleted.</summary>
    /// <param name="path">What the client calls the file; for the error text.</param>
    /// <returns>False when there is no upload, or none any more, or another one: another request may be ahead.</returns>
    /// <exception cref="ApiException">422 <c>content_mismatch</c>; the wrong upload is deleted.</exception>
    public async Task<bool> VerifyAsync(
        string container, string upload, string target, string path, long size, byte[] sha256, CancellationToken cancellationToken)
    {
        var blob = await storage.OpenVersionAsync(container, upload, cancellationToken);
        if (blob is null)
        {
            return false;
        }

        await using (blob.Content)
        {
            // The size first: a client must not make us read an endless blob for a small file.
            var rightSize = blob.Length == size;
            if (!rightSize || !(await SHA256.HashDataAsync(blob.Content, cancellationToken)).AsSpan().SequenceEqual(sha256))
            {
                await storage.DeleteAsync(container, upload, cancellationToken);
                throw new ApiException(ErrorCodes.ContentMismatch, path, rightSize ? "sha256" : "size");
            }
        }

        // Copies exactly what was read: an upload that changed meanwhile is not copied.
        return await storage.CopyAsync(container, upload, target, blob.Tag, cancellationToken);
    }
}
