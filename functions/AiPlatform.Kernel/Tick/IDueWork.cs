namespace AiPlatform.Kernel.Tick;

/// <summary>
/// Work that becomes due in the database without a word: by the clock, or because another instance left it. <see cref="DueWorkPulse"/>
/// asks for all of it in one statement, so that an idle platform pays for one and not for one of each loop.
/// </summary>
public interface IDueWork
{
    /// <summary>An SQL condition that is true while there is something to do; answered by indexes alone. It may use <c>@now</c>.</summary>
    string DueCondition { get; }

    /// <summary>Begins to work, if it does not already. Safe to call from any thread.</summary>
    void Wake();

    /// <summary>Told after each look.</summary>
    void Looked(bool isDue)
    {
        if (isDue)
        {
            Wake();
        }
    }

    /// <summary>Told when the look failed: nobody knows.</summary>
    void LookFailed()
    {
    }
}
