namespace AiPlatform.Contracts;

/// <summary>Stable codes of error answers. Texts may change, codes do not.</summary>
public static class ErrorCodes
{
    /// <summary>400: the body or a parameter is malformed, unknown or out of range.</summary>
    public const string InvalidRequest = "invalid_request";

    /// <summary>400: the page token was not made by this list.</summary>
    public const string InvalidPageToken = "invalid_page_token";

    /// <summary>401: no valid access token.</summary>
    public const string Unauthenticated = "unauthenticated";

    /// <summary>401: user name or password is wrong.</summary>
    public const string InvalidCredentials = "invalid_credentials";

    /// <summary>400: the password is a common one, holds the user name, or repeats itself.</summary>
    public const string WeakPassword = "weak_password";

    /// <summary>403: accounts are made by administrators only.</summary>
    public const string RegistrationClosed = "registration_closed";

    /// <summary>401: the refresh token is unknown, expired or was used before.</summary>
    public const string InvalidRefreshToken = "invalid_refresh_token";

    /// <summary>403: the caller's role does not allow this.</summary>
    public const string Forbidden = "forbidden";

    /// <summary>403: the orchestration belongs to a job and is changed only through the jobs API.</summary>
    public const string OrchestrationProtected = "orchestration_protected";

    /// <summary>404: it does not exist, or the caller may not know that it does.</summary>
    public const string NotFound = "not_found";

    /// <summary>409: the name is taken.</summary>
    public const string AlreadyExists = "already_exists";

    /// <summary>409: the entity's state does not allow this change.</summary>
    public const string IllegalTransition = "illegal_transition";

    /// <summary>409: another runner holds the node, or its attempt has ended.</summary>
    public const string NodeClaimed = "node_claimed";

    /// <summary>409: a log chunk does not continue where the log ends.</summary>
    public const string LogGap = "log_gap";

    /// <summary>409: an immutable value exists with another content (a parameter of a run, say).</summary>
    public const string ValueConflict = "value_conflict";

    /// <summary>409: something still refers to it.</summary>
    public const string InUse = "in_use";

    /// <summary>409: the stage or alias has a rule: versions get there only by an approved promotion.</summary>
    public const string PromotionRequired = "promotion_required";

    /// <summary>409: the evidence that the rule of the target asks for is not there.</summary>
    public const string EvidenceMissing = "evidence_missing";

    /// <summary>403: whoever asks for something does not approve it too.</summary>
    public const string OwnRequest = "own_request";

    /// <summary>400: tasks of one submission depend on each other in a circle.</summary>
    public const string DependencyCycle = "dependency_cycle";

    /// <summary>409: the queue drains and takes no more tasks.</summary>
    public const string QueueDraining = "queue_draining";

    /// <summary>412: <c>If-Match</c> does not name the current version.</summary>
    public const string PreconditionFailed = "precondition_failed";

    /// <summary>413: the body is larger than the route accepts.</summary>
    public const string PayloadTooLarge = "payload_too_large";

    /// <summary>415: the body's media type is not accepted.</summary>
    public const string UnsupportedMediaType = "unsupported_media_type";

    /// <summary>422: the idempotency key was used with another request.</summary>
    public const string IdempotencyKeyReused = "idempotency_key_reused";

    /// <summary>409: the first request with this idempotency key is still under way.</summary>
    public const string IdempotencyInProgress = "idempotency_in_progress";

    /// <summary>409: the request under the key succeeded; its answer had a secret, which is shown once and not kept.</summary>
    public const string IdempotencyAnswerNotKept = "idempotency_answer_not_kept";

    /// <summary>422: an uploaded file is missing or differs from the manifest.</summary>
    public const string ContentMismatch = "content_mismatch";

    /// <summary>410: the files were freed after the deletion.</summary>
    public const string ContentFreed = "content_freed";

    /// <summary>422: a file of a dataset is not what its format demands.</summary>
    public const string DataUnreadable = "data_unreadable";

    /// <summary>409: the newest quality report of a dataset version blocks it from use.</summary>
    public const string DatasetBlocked = "dataset_blocked";

    /// <summary>405: the route exists, the method does not.</summary>
    public const string MethodNotAllowed = "method_not_allowed";

    /// <summary>410: the orchestration has ended.</summary>
    public const string Gone = "gone";

    /// <summary>429: too many requests.</summary>
    public const string TooManyRequests = "too_many_requests";

    /// <summary>500: a fault of the platform; it is in its log under the request's trace id.</summary>
    public const string Internal = "internal_error";

    /// <summary>501: the task hub that is connected cannot do this.</summary>
    public const string NotImplemented = "not_implemented";

    /// <summary>503: a server that the platform depends on is away; try again.</summary>
    public const string Unavailable = "unavailable";
}
