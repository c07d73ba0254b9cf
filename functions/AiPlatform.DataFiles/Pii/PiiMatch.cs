using System.Runtime.InteropServices;

namespace AiPlatform.DataFiles.Pii;

/// <summary>Where personal data was found.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Start">The first character.</param>
/// <param name="Length">Characters.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct PiiMatch(PiiKind Kind, int Start, int Length);
