using AiPlatform.Contracts;
using AiPlatform.DataFiles;
using AiPlatform.DataFiles.Preview;
using AiPlatform.Kernel.Errors;

namespace AiPlatform.Data.Datasets.Preview;

/// <summary>Answers for content that is not what its format demands, and for conditions that cannot be understood.</summary>
internal sealed class DataErrorFilter : IEndpointFilter
{
    /// <inheritdoc />
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        try
        {
            return await next(context);
        }
        catch (DataFormatException exception)
        {
            throw new ApiException(ErrorCodes.DataUnreadable, $"data.{exception.Code}", exception.Line);
        }
        catch (FilterException exception)
        {
            throw ApiException.Invalid("filter", "filter", exception.Position, exception.Problem);
        }
        catch (RowDiffException exception)
        {
            throw ApiException.Invalid("key", exception.Reason == "tooLarge" ? "diffTooLarge" : "noColumn", exception.Value);
        }
    }
}
