using System.Diagnostics;
using System.Reflection;
using System.Runtime.Loader;
using System.Text.RegularExpressions;
using AiPlatform.Local.Servers;

namespace AiPlatform.IntegrationTests;

/// <summary>C# of a README, compiled by the SDK's own compiler against the packages that are here, and run.</summary>
internal static partial class CSharpSnippet
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>The C# blocks of a README, in their order.</summary>
    public static async Task<IReadOnlyList<string>> OfAsync(string readme)
        => [.. Fence().Matches((await File.ReadAllTextAsync(Path.Combine(RepositoryFolders.Root, readme))).ReplaceLineEndings("\n")).Select(static match => match.Groups["text"].Value)];

    /// <summary>Runs statements as a program; the type declarations of a snippet come last, as the language wants it.</summary>
    /// <param name="usings">Namespaces that a reader's editor adds.</param>
    /// <param name="before">Statements that give names to what the snippet takes for granted; <c>args</c> are <paramref name="arguments"/>.</param>
    /// <param name="snippet">As it is in the README.</param>
    /// <param name="after">Statements that use what the snippet has made.</param>
    /// <param name="types">Declarations that the snippet takes for granted.</param>
    /// <param name="arguments">Addresses and keys.</param>
    public static async Task RunAsync(string[] usings, string before, string snippet, string after, string types, params string[] arguments)
    {
        var declarations = Declaration().Match(snippet) is { Success: true } match ? match.Index : snippet.Length;
        var folder = Directory.CreateTempSubdirectory("aip-snippet-").FullName;
        try
        {
            var source = Path.Combine(folder, "snippet.cs");
            string[] common = ["System", "System.Collections.Generic", "System.Linq", "System.Threading", "System.Threading.Tasks"];
            await File.WriteAllTextAsync(
                source, $"{string.Concat(common.Concat(usings).Select(static name => $"using {name};\n"))}\n{before}\n{snippet[..declarations]}\n{after}\n{snippet[declarations..]}\n{types}\n");
            await InvokeAsync(await CompileAsync(folder, source), arguments);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<byte[]> CompileAsync(string folder, string source)
    {
        // Beside the runtime that runs this test.
        var dotnet = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location)!, "..", "..", ".."));
        var compiler = Directory.GetFiles(Path.Combine(dotnet, "sdk"), "csc.dll", SearchOption.AllDirectories)
            .Where(static file => file.Contains("bincore", StringComparison.Ordinal)).OrderByDescending(File.GetLastWriteTimeUtc).First();
        var program = Path.Combine(folder, "snippet.dll");
        var response = Path.Combine(folder, "snippet.rsp");
        var references = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator);
        await File.WriteAllLinesAsync(
            response, ["/nologo", "/noconfig", "/nostdlib", "/target:exe", "/langversion:latest", "/nullable:enable", $"/out:\"{program}\"", $"\"{source}\"", .. references.Select(static file => $"/r:\"{file}\"")]);
        using var process = Process.Start(
            new ProcessStartInfo(Path.Combine(dotnet, "dotnet"), ["exec", compiler, $"@{response}"]) { UseShellExecute = false, RedirectStandardOutput = true })!;
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{output}\n{await File.ReadAllTextAsync(source)}");
        return await File.ReadAllBytesAsync(program);
    }

    private static async Task InvokeAsync(byte[] program, string[] arguments)
    {
        var context = new AssemblyLoadContext("snippet", isCollectible: true);
        try
        {
            using var image = new MemoryStream(program);
            // The compiler's own entry point waits for what the program awaits.
            var main = context.LoadFromStream(image).EntryPoint!;
            await Task.Run(() => main.Invoke(null, BindingFlags.DoNotWrapExceptions, null, [arguments], null)).WaitAsync(Patience);
        }
        finally
        {
            context.Unload();
        }
    }

    [GeneratedRegex(@"^```csharp\n(?<text>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Fence();

    [GeneratedRegex(@"^(public|internal|sealed|class|record)\b", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Declaration();
}
