using System.ComponentModel;
using AiPlatform.GpuRunner.Launch;

namespace AiPlatform.Tests.GpuRunner;

/// <summary>What fails only for now is started again; what fails for good, or after job code has begun, is not.</summary>
public sealed class StartFailureTests
{
    [Theory]
    [InlineData(1, "bwrap: Creating new namespace failed: Resource temporarily unavailable", true)]
    [InlineData(1, "bwrap: Can't fork for pid 1: Resource temporarily unavailable\n", true)]
    [InlineData(126, "setpriv: failed to execute /usr/bin/bwrap: Resource temporarily unavailable", true)]
    [InlineData(1, "/usr/bin/prlimit: failed to execute /usr/bin/setpriv: Cannot allocate memory", true)]
    [InlineData(1, "bwrap: Creating new namespace failed: Too many open files in system", true)]
    [InlineData(1, "bwrap: No permissions to create new namespace, likely because the kernel does not allow non-privileged user namespaces.", false)]
    [InlineData(1, "bwrap: Creating new namespace failed: Operation not permitted", false)]
    [InlineData(1, "bwrap: Unknown option --size", false)]
    [InlineData(1, "", false)]
    [InlineData(0, "bwrap: Creating new namespace failed: Resource temporarily unavailable", false)]
    [InlineData(137, "bwrap: Creating new namespace failed: Resource temporarily unavailable", false)]
    [InlineData(1, "epoch 1\nepoch 2\nbwrap: Creating new namespace failed: Resource temporarily unavailable", false)]
    [InlineData(1, "OSError: [Errno 11] Resource temporarily unavailable", false)]
    public void The_words_of_the_programs_before_job_code_tell(int exitCode, string output, bool temporary)
        => Assert.Equal(temporary, StartFailure.IsTemporary(exitCode, output));

    [Theory]
    [InlineData(11, true)]
    [InlineData(12, true)]
    [InlineData(23, true)]
    [InlineData(24, true)]
    [InlineData(2, false)]
    [InlineData(13, false)]
    public void The_kernels_errors_tell(int error, bool temporary) => Assert.Equal(temporary, StartFailure.IsTemporary(new Win32Exception(error)));
}
