using AiPlatform.Contracts;
using AiPlatform.Kernel.Errors;

namespace AiPlatform.Ports.MLflow;

/// <summary>Ends a request of an MLflow client with <c>{"error_code", "message"}</c>. The texts are those of the MLflow server, which clients and users know.</summary>
public sealed class MLflowException(string code, string message) : Exception(message)
{
    public const string InvalidParameterValue = "INVALID_PARAMETER_VALUE";
    public const string ResourceDoesNotExist = "RESOURCE_DOES_NOT_EXIST";
    public const string ResourceAlreadyExists = "RESOURCE_ALREADY_EXISTS";
    private const int MaxShown = 250;

    /// <summary>One of MLflow's error codes.</summary>
    public string Code { get; } = code;

    /// <summary>The HTTP status, where a route has another one than MLflow answers with the code.</summary>
    public int? OwnStatus { get; init; }

    /// <summary>The HTTP status that MLflow answers with the code.</summary>
    public int Status => OwnStatus ?? Code switch
    {
        InvalidParameterValue or ResourceAlreadyExists or "BAD_REQUEST" => StatusCodes.Status400BadRequest,
        "UNAUTHENTICATED" => StatusCodes.Status401Unauthorized,
        "PERMISSION_DENIED" => StatusCodes.Status403Forbidden,
        ResourceDoesNotExist or "NOT_FOUND" or "ENDPOINT_NOT_FOUND" => StatusCodes.Status404NotFound,
        "RESOURCE_CONFLICT" => StatusCodes.Status409Conflict,
        "REQUEST_LIMIT_EXCEEDED" or "RESOURCE_EXHAUSTED" => StatusCodes.Status429TooManyRequests,
        "NOT_IMPLEMENTED" => StatusCodes.Status501NotImplemented,
        "TEMPORARILY_UNAVAILABLE" => StatusCodes.Status503ServiceUnavailable,
        _ => StatusCodes.Status500InternalServerError,
    };

    public static MLflowException Invalid(string message) => new(InvalidParameterValue, message);

    public static MLflowException Missing(string message) => new(ResourceDoesNotExist, message);

    public static MLflowException Exists(string message) => new(ResourceAlreadyExists, message);

    public static MLflowException Required(string parameter)
        => Invalid($"Missing value for required parameter '{parameter}'. See the API docs for more information about request parameters.");

    public static MLflowException Value(string parameter, string value)
        => Invalid($"Invalid value {Shown(value)} for parameter '{parameter}' supplied. See the API docs for more information about request parameters.");

    // A value of megabytes is not sent back.
    private static string Shown(string value) => value.Length <= MaxShown ? value : $"{value[..(char.IsHighSurrogate(value[MaxShown - 1]) ? MaxShown - 1 : MaxShown)]}…";

    /// <summary>What an error of the platform is called in MLflow's words.</summary>
    public static MLflowException Of(ApiException exception)
    {
        var message = ErrorCatalog.Detail(exception.Code, exception.Arguments, chinese: false) ?? ErrorCatalog.Title(exception.Code, chinese: false);
        return new MLflowException(
            exception.Code switch
            {
                ErrorCodes.Unauthenticated or ErrorCodes.InvalidCredentials => "UNAUTHENTICATED",
                ErrorCodes.Forbidden or ErrorCodes.PromotionRequired => "PERMISSION_DENIED",
                ErrorCodes.NotFound => ResourceDoesNotExist,
                ErrorCodes.AlreadyExists => ResourceAlreadyExists,
                ErrorCodes.MethodNotAllowed => "ENDPOINT_NOT_FOUND",
                ErrorCodes.TooManyRequests => "REQUEST_LIMIT_EXCEEDED",
                ErrorCodes.NotImplemented => "NOT_IMPLEMENTED",
                ErrorCodes.Unavailable => "TEMPORARILY_UNAVAILABLE",
                ErrorCodes.Internal => "INTERNAL_ERROR",
                ErrorCodes.IllegalTransition or ErrorCodes.ValueConflict => "RESOURCE_CONFLICT",
                _ => InvalidParameterValue,
            },
            message);
    }
}
