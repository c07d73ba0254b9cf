namespace AiPlatform.DataFiles;

/// <summary>The content is not what its format demands. The code is stable; <see cref="Exception.Message"/> is English and for logs.</summary>
public sealed class DataFormatException : Exception
{
    /// <param name="code">One of <see cref="DataErrors"/>.</param>
    /// <param name="message">What is wrong, in English.</param>
    /// <param name="line">The line where it was seen, from 1; null where the format has no lines.</param>
    public DataFormatException(string code, string message, long? line = null, Exception? inner = null)
        : base(message, inner)
    {
        Code = code;
        Line = line;
    }

    /// <summary>One of <see cref="DataErrors"/>.</summary>
    public string Code { get; }

    /// <summary>The line where it was seen, from 1; null where the format has no lines.</summary>
    public long? Line { get; }
}
