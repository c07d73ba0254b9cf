namespace AiPlatform.Ports.Identity;

/// <summary>A signed token and its life.</summary>
/// <param name="ExpiresIn">Seconds.</param>
public sealed record IssuedToken(string Token, int ExpiresIn);
