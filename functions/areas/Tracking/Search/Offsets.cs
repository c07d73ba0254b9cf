using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Paging;
using AiPlatform.Ports.MLflow;

namespace AiPlatform.Tracking.Search;

/// <summary>Page tokens of MLflow's searches: clients treat them as opaque.</summary>
internal static class Offsets
{
    public static string Write(int offset) => PageToken.Encode($"{offset}");

    public static int Read(string? token)
    {
        try
        {
            return PageToken.Decode(token, 1) is not [var text] ? 0 : int.TryParse(text, out var offset) && offset >= 0 ? offset : throw MLflowException.Invalid("Invalid page token");
        }
        catch (ApiException)
        {
            throw MLflowException.Invalid($"Invalid page token, could not base64-decode");
        }
    }
}
