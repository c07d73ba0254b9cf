namespace AiPlatform.Identity.Accounts;

/// <summary>An attempt that was counted, until it turns out right or wrong.</summary>
/// <param name="Key">What is counted: an address and an account, or a device.</param>
/// <param name="Address">What is counted for the address alone; null where that does not count.</param>
/// <param name="Known">Remembers that the account logs in from the address; null where it need not.</param>
internal readonly record struct LoginAttempt(string Key, string? Address, string? Known);
