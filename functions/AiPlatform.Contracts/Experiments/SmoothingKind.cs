namespace AiPlatform.Contracts.Experiments;

/// <summary>How a curve is smoothed; each kind reads the amount in its own way. NaN and infinities do not count.</summary>
public enum SmoothingKind
{
    /// <summary>Exponential moving average without the bias of its begin; the amount is the weight of the past, from 0 to 0.9999.</summary>
    Exponential,

    /// <summary>Mean of the points around; the amount is how many, from 1 to 10,000.</summary>
    MovingAverage,

    /// <summary>Gaussian window; the amount is its standard deviation in points, from 0 to 1,000.</summary>
    Gaussian,
}
