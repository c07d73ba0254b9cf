using AiPlatform.Cli;
using Spectre.Console;

using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, pressed) =>
{
    // The first Ctrl-C ends the command; what was uploaded stays, and the same command goes on with it.
    pressed.Cancel = !stop.IsCancellationRequested;
    stop.Cancel();
};
var console = AnsiConsole.Console;
var errors = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
if (Console.IsOutputRedirected)
{
    // Who reads from a pipe cuts lines by itself; a table that is folded at 80 columns cannot be read by anybody.
    console.Profile.Width = 100_000;
}

if (Console.IsErrorRedirected)
{
    errors.Profile.Width = 100_000;
}

return await AipCommand.RunAsync(args, console, errors, stop.Token);
