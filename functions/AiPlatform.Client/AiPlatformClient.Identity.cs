using AiPlatform.Contracts;
using AiPlatform.Contracts.Identity;
using AiPlatform.Contracts.Projects;

namespace AiPlatform.Client;

public sealed partial class AiPlatformClient
{
    /// <summary>Creates an account and logs it in.</summary>
    public Task<TokenResponse> RegisterAsync(RegisterRequest request, CancellationToken cancellationToken)
        => PostAsync<TokenResponse>("v1/auth/register", request, cancellationToken);

    /// <summary>Creates an account for somebody else; administrators only.</summary>
    public Task<User> CreateUserAsync(CreateUserRequest request, CancellationToken cancellationToken)
        => PostAsync<User>("v1/users", request, cancellationToken);

    /// <summary>Logs in.</summary>
    public Task<TokenResponse> LoginAsync(LoginRequest request, CancellationToken cancellationToken)
        => PostAsync<TokenResponse>("v1/auth/login", request, cancellationToken);

    /// <summary>Exchanges a refresh token.</summary>
    public Task<TokenResponse> RefreshAsync(RefreshRequest request, CancellationToken cancellationToken)
        => PostAsync<TokenResponse>("v1/auth/refresh", request, cancellationToken);

    /// <summary>Ends a login.</summary>
    public Task LogoutAsync(LogoutRequest request, CancellationToken cancellationToken)
        => PostAsync("v1/auth/logout", request, cancellationToken);

    /// <summary>Logs a platform service in.</summary>
    public Task<TokenResponse> GetServiceTokenAsync(ServiceTokenRequest request, CancellationToken cancellationToken)
        => PostAsync<TokenResponse>("v1/auth/service-token", request, cancellationToken);

    /// <summary>Makes a personal access token of the caller; its secret is shown once.</summary>
    public Task<CreatedAccessToken> CreateAccessTokenAsync(CreateAccessTokenRequest request, CancellationToken cancellationToken)
        => PostAsync<CreatedAccessToken>("v1/users/me/tokens", request, cancellationToken);

    /// <summary>The caller's account.</summary>
    public Task<User> GetMeAsync(CancellationToken cancellationToken) => GetAsync<User>("v1/users/me", cancellationToken);

    /// <summary>Creates a project.</summary>
    public Task<Project> CreateProjectAsync(CreateProjectRequest request, CancellationToken cancellationToken)
        => PostAsync<Project>("v1/projects", request, cancellationToken);

    /// <summary>A project by id or name.</summary>
    public Task<Project> GetProjectAsync(string project, CancellationToken cancellationToken)
        => GetAsync<Project>($"v1/projects/{Escape(project)}", cancellationToken);

    /// <summary>The caller's projects, newest first.</summary>
    public Task<Page<Project>> ListProjectsAsync(int? pageSize, string? pageToken, CancellationToken cancellationToken)
        => GetAsync<Page<Project>>(Query("v1/projects", pageSize, pageToken), cancellationToken);

    /// <summary>Deletes a project (it can be restored).</summary>
    public Task DeleteProjectAsync(string project, CancellationToken cancellationToken)
        => SendAsync<object?>(HttpMethod.Delete, $"v1/projects/{Escape(project)}", null, cancellationToken);
}
