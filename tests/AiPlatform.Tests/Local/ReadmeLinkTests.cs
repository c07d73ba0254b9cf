using System.Text.RegularExpressions;
using AiPlatform.Local.Servers;

namespace AiPlatform.Tests.Local;

/// <summary>What READMEs point to is there.</summary>
public sealed partial class ReadmeLinkTests
{
    // A page that was fetched or built is nobody's README.
    private static readonly string[] Foreign = ["node_modules", "bin", "obj", ".artifacts", ".local", ".git", "wwwroot"];

    [Fact]
    public void Every_relative_link_leads_to_a_file_and_every_anchor_to_a_heading()
    {
        var root = RepositoryFolders.Root;
        var files = Files(new DirectoryInfo(root)).ToList();
        Assert.True(files.Count >= 8, $"{files.Count} files");
        var broken = new List<string>();
        var links = 0;
        foreach (var file in files)
        {
            foreach (var target in Link().Matches(WithoutCode(File.ReadAllText(file))).Select(static match => match.Groups["target"].Value).Where(IsRelative))
            {
                links++;
                var (path, anchor) = target.Split('#', 2) is [var before, var after] ? (before, after) : (target, null);
                var full = path.Length == 0 ? file : Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, Uri.UnescapeDataString(path)));
                var exists = full.StartsWith(root, StringComparison.Ordinal) && (File.Exists(full) || Directory.Exists(full));
                if (!exists || (anchor is not null && !Anchors(full).Contains(anchor)))
                {
                    broken.Add($"{Path.GetRelativePath(root, file)}: {target}");
                }
            }
        }

        Assert.Empty(broken);
        Assert.True(links >= 5, $"{links} links");
    }

    [Fact]
    public void Every_folder_and_file_that_a_table_of_a_README_names_first_in_a_row_is_there()
    {
        // Names with a dot or a slash, without blanks or signs: others are options and metrics.
        var root = RepositoryFolders.Root;
        var missing = Files(new DirectoryInfo(root))
            .SelectMany(file => Row().Matches(File.ReadAllText(file)).Select(match => (File: file, Name: match.Groups["name"].Value)))
            .Where(static row => row.Name.StartsWith("AiPlatform.", StringComparison.Ordinal))
            .Where(row => !Path.Exists(Path.Combine(Path.GetDirectoryName(row.File)!, row.Name)))
            .Select(row => $"{Path.GetRelativePath(root, row.File)}: {row.Name}");
        Assert.Empty(missing);
    }

    private static IEnumerable<string> Files(DirectoryInfo folder)
        => folder.EnumerateFiles("*.md").Select(static file => file.FullName)
            .Concat(folder.EnumerateDirectories().Where(static child => child.LinkTarget is null && !Foreign.Contains(child.Name)).SelectMany(Files));

    private static bool IsRelative(string target) => !target.Contains("://", StringComparison.Ordinal) && !target.StartsWith("mailto:", StringComparison.Ordinal);

    private static string WithoutCode(string text) => Code().Replace(text, string.Empty);

    // As GitHub makes them of headings.
    private static HashSet<string> Anchors(string file)
        => Heading().Matches(WithoutCode(File.ReadAllText(file)))
            .Select(static match => string.Concat(match.Groups["title"].Value.ToLowerInvariant().Where(static letter => char.IsLetterOrDigit(letter) || letter is ' ' or '-' or '_')).Trim().Replace(' ', '-'))
            .ToHashSet(StringComparer.Ordinal);

    [GeneratedRegex(@"\[[^\]\n]*\]\((?<target>[^)\s]+)\)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Link();

    [GeneratedRegex(@"^```.*?^```$", RegexOptions.Multiline | RegexOptions.Singleline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Code();

    [GeneratedRegex(@"^#+ (?<title>.+)$", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Heading();

    [GeneratedRegex(@"^\| \[?`(?<name>[A-Za-z0-9./]+)`", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Row();
}
