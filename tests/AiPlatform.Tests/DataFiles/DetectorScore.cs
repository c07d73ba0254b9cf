using Xunit.Abstractions;

namespace AiPlatform.Tests.DataFiles;

/// <summary>Counts what a detector finds and misses among labelled cases.</summary>
internal sealed class DetectorScore(string name)
{
    private int _right;
    private int _wrong;
    private int _missed;

    public double Precision => _right + _wrong == 0 ? 1 : (double)_right / (_right + _wrong);

    public double Recall => _right + _missed == 0 ? 1 : (double)_right / (_right + _missed);

    public void Add(bool expected, bool found)
    {
        _right += expected && found ? 1 : 0;
        _wrong += !expected && found ? 1 : 0;
        _missed += expected && !found ? 1 : 0;
    }

    /// <summary>Prints the figures and holds them against a floor.</summary>
    public void Require(ITestOutputHelper output, double precision, double recall)
    {
        output.WriteLine($"{name}: precision {Precision:0.000}, recall {Recall:0.000} ({_right} right, {_wrong} wrong, {_missed} missed)");
        Assert.True(Precision >= precision && Recall >= recall, $"{name}: precision {Precision:0.000} (floor {precision}), recall {Recall:0.000} (floor {recall})");
    }
}
