using AiPlatform.Local.Platform;
using AiPlatform.Local.Processes;

namespace AiPlatform.IntegrationTests.Platform;

public sealed class JobAccountTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("aip account ").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Runners_work_inside_the_data_directory_when_the_account_of_job_code_reaches_it()
    {
        File.SetUnixFileMode(_folder, File.GetUnixFileMode(_folder) | UnixFileMode.OtherExecute | UnixFileMode.GroupExecute);
        using var data = DataDirectory.Open(Path.Combine(_folder, "data"), reset: false);
        var jobs = await JobAccount.PrepareAsync(data, CancellationToken.None);
        Assert.Equal(data.Path, jobs.Root);
        Assert.True(await AccountAccess.CanReachAsync(JobAccount.Name, jobs.PythonDirectory, CancellationToken.None));
        Assert.True(File.Exists(Path.Combine(jobs.PythonDirectory, "aiplatform_runtime", "__init__.py")));
    }

    [Fact]
    public async Task Runners_work_elsewhere_under_root_when_the_account_cannot_reach_the_data_directory()
    {
        using var data = DataDirectory.Open(Path.Combine(_folder, "data"), reset: false);
        var jobs = await JobAccount.PrepareAsync(data, CancellationToken.None);
        Assert.Equal(!Environment.IsPrivilegedProcess, jobs.Root == data.Path);
        Assert.True(await AccountAccess.CanReachAsync(JobAccount.Name, jobs.Root, CancellationToken.None));
        if (Environment.IsPrivilegedProcess)
        {
            Directory.Delete(jobs.Root, recursive: true);
        }
    }
}
