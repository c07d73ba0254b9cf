using System.Runtime.InteropServices;

namespace AiPlatform.Compute.Jobs;

/// <summary>What a runner has free, or what a node needs.</summary>
/// <param name="Slots">Rank processes.</param>
/// <param name="Gpus">GPUs, one per rank when the job asks for GPUs, else none.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Capacity(int Slots, int Gpus)
{
    public bool Holds(Capacity need) => Slots >= need.Slots && Gpus >= need.Gpus;

    public static Capacity operator -(Capacity left, Capacity right) => new(left.Slots - right.Slots, left.Gpus - right.Gpus);
}

/// <summary>
/// Decides whether a whole gang fits the free capacity of a pool. Nodes that were admitted but are not claimed yet
/// may land on any runner, so they are placed first; what remains is offered to the new gang, all nodes or none.
/// </summary>
internal static class GangPacking
{
    /// <summary>True when every node in <paramref name="promised"/> and then every node in <paramref name="gang"/> finds a runner.</summary>
    public static bool Fits(IEnumerable<Capacity> free, IEnumerable<Capacity> promised, IEnumerable<Capacity> gang)
    {
        var runners = free.ToArray();
        // A promised node that finds no place (its runner went away) holds nothing: its own attempt will be retried.
        foreach (var node in LargestFirst(promised))
        {
            TryPlace(runners, node);
        }

        return LargestFirst(gang).All(node => TryPlace(runners, node));
    }

    private static IOrderedEnumerable<Capacity> LargestFirst(IEnumerable<Capacity> nodes)
        => nodes.OrderByDescending(node => node.Gpus).ThenByDescending(node => node.Slots);

    /// <summary>Takes the fullest runner that still holds the node (best fit), so that large gaps stay for large nodes.</summary>
    private static bool TryPlace(Capacity[] runners, Capacity node)
    {
        var best = -1;
        for (var i = 0; i < runners.Length; i++)
        {
            if (runners[i].Holds(node) && (best < 0 || (runners[i].Gpus, runners[i].Slots).CompareTo((runners[best].Gpus, runners[best].Slots)) < 0))
            {
                best = i;
            }
        }

        if (best < 0)
        {
            return false;
        }

        runners[best] -= node;
        return true;
    }
}
