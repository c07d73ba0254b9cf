namespace AiPlatform.Registry.Models;

/// <summary>Chooses the model artifact to register when a run put out several.</summary>
internal static class BestModel
{
    private static readonly string[] LargerIsBetter = ["accuracy", "f1", "auc", "precision", "recall", "r2", "score"];
    private static readonly string[] SmallerIsBetter = ["loss", "error", "mse", "mae", "rmse", "perplexity"];

    /// <summary>
    /// How good an artifact with these metrics is: larger is better. Accuracy-like metrics count before losses, values of a
    /// validation before others; an artifact without any of them is the worst.
    /// </summary>
    public static (int Kind, double Value) Rank(IReadOnlyDictionary<string, double>? metrics)
    {
        var best = (Kind: 0, Value: 0.0);
        foreach (var (key, value) in metrics ?? new Dictionary<string, double>())
        {
            if (!double.IsFinite(value))
            {
                continue;
            }

            var validation = key.Contains("val", StringComparison.OrdinalIgnoreCase) ? 1 : 0;
            var candidate = Mentions(key, LargerIsBetter) ? (Kind: 3 + validation, Value: value)
                : Mentions(key, SmallerIsBetter) ? (Kind: 1 + validation, Value: -value)
                : default;
            // Of two metrics of one kind the first by name decides, so that the order in the document does not.
            best = candidate.Kind > best.Kind ? candidate : best;
        }

        return best;
    }

    private static bool Mentions(string key, string[] words) => Array.Exists(words, word => key.Contains(word, StringComparison.OrdinalIgnoreCase));
}
