using System.IO.Pipelines;
using Microsoft.AspNetCore.Http.Features;

namespace AiPlatform.Kernel.Http;

/// <summary>
/// Lets the stream and the reader of a counted body show the same bytes: what one looked at and left is there for the other, as in the
/// server's own.
/// </summary>
public sealed class CountedBodyReader : IRequestBodyPipeFeature, IAsyncDisposable
{
    private readonly HttpContext _context;
    private readonly PipeReader _counted;
    private readonly Stream _stream;
    private Stream? _replaced;
    private PipeReader? _other;

    private CountedBodyReader(HttpContext context, CountedBodyStream body)
    {
        _context = context;
        _counted = PipeReader.Create(body, new StreamPipeReaderOptions(leaveOpen: true));
        _stream = _counted.AsStream();
    }

    /// <inheritdoc />
    public PipeReader Reader
    {
        get
        {
            var body = _context.Request.Body;
            if (ReferenceEquals(body, _stream))
            {
                return _counted;
            }

            // Somebody has put another stream in its place since, such as one that can be read twice.
            if (!ReferenceEquals(body, _replaced))
            {
                _replaced = body;
                _other = PipeReader.Create(body, new StreamPipeReaderOptions(leaveOpen: true));
            }

            return _other!;
        }
    }

    /// <summary>Puts a counted body in the place of a request's own.</summary>
    public static void Use(HttpContext context, CountedBodyStream body)
    {
        var reader = new CountedBodyReader(context, body);
        context.Request.Body = reader._stream;
        context.Features.Set<IRequestBodyPipeFeature>(reader);
        context.Response.RegisterForDisposeAsync(reader);
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _counted.CompleteAsync();
        if (_other is not null)
        {
            await _other.CompleteAsync();
        }
    }
}
