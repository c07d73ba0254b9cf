using System.Globalization;

namespace AiPlatform.Local.Processes;

/// <summary>A process that cannot be confused with a later one of the same id: the id and the kernel's start time.</summary>
/// <param name="Id">The process id.</param>
/// <param name="StartTicks">Clock ticks since boot at which it started (field 22 of <c>/proc/ID/stat</c>).</param>
internal sealed record ProcessIdentity(int Id, long StartTicks)
{
    /// <summary>The identity of a running process, or null when there is none of that id.</summary>
    public static ProcessIdentity? Of(int id)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{id}/stat");

            // The second field is the name in parentheses and may hold spaces; the third field follows the last one.
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return fields[0] is "Z" or "X" ? null : new(id, long.Parse(fields[19], CultureInfo.InvariantCulture));
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>Whether this very process still runs.</summary>
    public bool IsRunning() => Of(Id) == this;
}
