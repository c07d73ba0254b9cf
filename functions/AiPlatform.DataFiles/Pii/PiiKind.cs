namespace AiPlatform.DataFiles.Pii;

/// <summary>What personal data a text holds.</summary>
public enum PiiKind
{
    /// <summary>An e-mail address.</summary>
    Email,

    /// <summary>A telephone number, Chinese mobile numbers excepted.</summary>
    Phone,

    /// <summary>A mobile number of mainland China.</summary>
    ChineseMobile,

    /// <summary>A citizen identification number of the People's Republic of China, with a right check digit and a possible birthday.</summary>
    ChineseId,

    /// <summary>A payment card number with a right check digit (Luhn) of a known scheme.</summary>
    Card,

    /// <summary>An IPv4 address.</summary>
    Ipv4,

    /// <summary>An IPv6 address.</summary>
    Ipv6,
}
