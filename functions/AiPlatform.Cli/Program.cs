using AiPlatform.Cli;

using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, pressed) =>
{
    // The first Ctrl-C ends the command; what was uploaded stays, and the same command goes on with it.
    pressed.Cancel = !stop.IsCancellationRequested;
    stop.Cancel();
};
return await AipCommand.RunAsync(args, Spectre.Console.AnsiConsole.Console, stop.Token);
