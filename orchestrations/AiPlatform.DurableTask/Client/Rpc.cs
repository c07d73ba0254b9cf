using System.Runtime.CompilerServices;
using Grpc.Core;

namespace AiPlatform.DurableTask.Client;

/// <summary>Unary calls, with status codes as the exceptions that users expect.</summary>
internal static class Rpc
{
    /// <summary>Makes one call.</summary>
    public static async Task<TResponse> CallAsync<TRequest, TResponse>(
        Func<TRequest, Metadata?, DateTime?, CancellationToken, AsyncUnaryCall<TResponse>> call, TRequest request, CancellationToken cancellation)
    {
        try
        {
            return await call(request, null, null, cancellation);
        }
        catch (RpcException exception)
        {
            throw Translate(exception, cancellation);
        }
    }

    /// <summary>The exception for a status code; the same one when there is none.</summary>
    public static Exception Translate(RpcException exception, CancellationToken cancellation) => exception.StatusCode switch
    {
        StatusCode.Cancelled when cancellation.IsCancellationRequested => new OperationCanceledException(exception.Status.Detail, exception, cancellation),
        StatusCode.NotFound => new KeyNotFoundException(exception.Status.Detail, exception),
        StatusCode.FailedPrecondition => new InvalidOperationException(exception.Status.Detail, exception),
        StatusCode.InvalidArgument => new ArgumentException(exception.Status.Detail, exception),
        StatusCode.Unimplemented => new NotSupportedException(exception.Status.Detail, exception),
        _ => exception,
    };
}

/// <summary>A list behind a call that answers with one page.</summary>
/// <param name="first">Where to begin.</param>
/// <param name="pageSize">Items per page.</param>
/// <param name="fetch">Gets the page after a token.</param>
internal sealed class RpcPages<T>(string? first, int pageSize, Func<string?, int, CancellationToken, Task<Page<T>>> fetch) : AsyncPageable<T>
    where T : notnull
{
    public override IAsyncEnumerable<Page<T>> AsPages(string? continuationToken = null, int? pageSizeHint = null)
        => ReadAsync(continuationToken ?? first, pageSizeHint ?? pageSize);

    private async IAsyncEnumerable<Page<T>> ReadAsync(string? token, int size, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        do
        {
            var page = await fetch(token, size, cancellation);
            token = page.ContinuationToken;
            yield return page;
        }
        while (token is not null);
    }
}
