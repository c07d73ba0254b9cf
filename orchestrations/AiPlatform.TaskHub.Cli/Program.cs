using AiPlatform.TaskHub.Cli;

using var interrupted = new CancellationTokenSource();
Console.CancelKeyPress += (_, pressed) =>
{
    pressed.Cancel = true;
    interrupted.Cancel();
};
return await TaskHubCommand.RunAsync(args, Console.Out, Console.Error, interrupted.Token);
