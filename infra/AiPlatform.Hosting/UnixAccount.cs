using System.Globalization;

namespace AiPlatform.Hosting;

/// <summary>An account of this machine.</summary>
/// <param name="UserId">The user id.</param>
/// <param name="GroupId">Its primary group, which need not have the account's name.</param>
public sealed record UnixAccount(uint UserId, uint GroupId)
{
    /// <summary>Reads passwd(5); null when there is no such account.</summary>
    public static UnixAccount? Find(string name)
    {
        // name:password:uid:gid:comment:home:shell
        var fields = File.ReadLines("/etc/passwd").Select(static line => line.Split(':')).FirstOrDefault(fields => fields.Length > 3 && fields[0] == name);
        return fields is null
            ? null
            : new UnixAccount(uint.Parse(fields[2], CultureInfo.InvariantCulture), uint.Parse(fields[3], CultureInfo.InvariantCulture));
    }
}
