using AiPlatform.Contracts.Jobs;
using AiPlatform.Contracts.Runners;

namespace AiPlatform.IntegrationTests.GpuRunner;

/// <summary>Job code that misbehaves: the job ends as it should, with its reason, and the runner takes the next one.</summary>
public sealed class JobFaultTests
{
    [Fact]
    public async Task A_job_that_ends_well_is_reported_after_everything_it_logged()
    {
        await using var harness = await RunnerHarness.StartAsync("--Runner:FlushInterval=00:00:02");
        harness.Submit(
            """
            import os, sys
            import aiplatform_runtime as aip
            for step in range(300):
                aip.log_metrics({"loss": 1 / (step + 1), "lr": 0.1}, step=step)
            aip.log_params({"epochs": 3, **aip.params()})
            aip.set_tags({"a": "b"})
            open("out.txt", "w").write("content")
            aip.log_artifact("out.txt", "files/out.txt")
            print("rank", os.environ["RANK"], "of", os.environ["WORLD_SIZE"], "trace", os.environ["TRACEPARENT"])
            """,
            ranks: 2, parameters: """{"lr": 0.5}""");
        var end = await harness.EndAsync();

        Assert.Equal((JobEventKind.Finished, 0), (end.Kind, end.ExitCode));
        Assert.Equal(JobEventKind.Started, harness.Platform.Events.First().Kind);
        Assert.Equal(1200, harness.Platform.Points.Count);
        Assert.Equal(Enumerable.Range(0, 600).Select(i => (long)i), harness.Platform.Points.Keys.Where(key => key.Source == "0-1").Select(key => key.Sequence).Order());
        Assert.True(harness.Platform.MetricRequests < 200, $"{harness.Platform.MetricRequests} requests for 600 records");
        Assert.Equal("0.5", harness.Platform.Params["lr"]);
        Assert.Equal("b", harness.Platform.Tags["a"]);
        Assert.Equal(7, harness.Platform.Artifacts["files/out.txt"].Size);
        Assert.Equal("content"u8.ToArray(), harness.Platform.Blobs["run1-files-out.txt"]);
        Assert.Contains("rank 1 of 2 trace 00-0af7", harness.Log(rank: 1), StringComparison.Ordinal);
        Assert.Empty(harness.Platform.Resumes);
        await RunnerHarness.UntilAsync(() => harness.Completed == 1 && !Directory.Exists(harness.NodeDirectory()));
    }

    [Fact]
    public async Task A_rank_that_exits_non_zero_fails_the_node_with_its_last_lines_and_takes_the_others_along()
    {
        await using var harness = await RunnerHarness.StartAsync();
        harness.Submit(
            """
            import os, sys, time
            if os.environ["RANK"] == "1":
                print("no such column: label", file=sys.stderr)
                sys.exit(3)
            time.sleep(600)
            """,
            ranks: 2);
        var end = await harness.EndAsync();
        Assert.Equal((JobEventKind.Failed, 3), (end.Kind, end.ExitCode));
        Assert.Contains("rank 1 exited with code 3: no such column: label", end.Reason, StringComparison.Ordinal);
        AssertNoProcess(harness);
    }

    [Fact]
    public async Task A_job_that_hangs_ends_at_its_timeout_although_it_ignores_term()
    {
        await using var harness = await RunnerHarness.StartAsync();
        var (attempt, seconds) = (0, 1);
        do
        {
            // Until it had the time to come up: that depends on the machine.
            (attempt, seconds) = (attempt + 1, seconds * 2);
            harness.Submit(
                "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('up', flush=True)\ntime.sleep(600)", timeoutSeconds: seconds, attempt: attempt);
            var end = await harness.EndAsync(attempt);
            Assert.Equal(JobEventKind.Failed, end.Kind);
            Assert.Contains($"timeout of {seconds} s", end.Reason, StringComparison.Ordinal);
            Assert.Empty(NodeMarker.Live($"{harness.JobId}-{attempt}-0"));
        }
        while (seconds < 60 && !harness.Log(attempt: attempt).Contains("up", StringComparison.Ordinal));
        Assert.Contains("up", harness.Log(attempt: attempt), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Numbers_that_are_none_arrive_as_such()
    {
        await using var harness = await RunnerHarness.StartAsync();
        harness.Submit("import aiplatform_runtime as aip\naip.log_metrics({'loss': float('nan'), 'up': float('inf'), 'down': float('-inf')}, step=1)");
        var end = await harness.EndAsync();
        Assert.Equal(JobEventKind.Finished, end.Kind);
        Assert.Equal([double.NaN, double.PositiveInfinity, double.NegativeInfinity], harness.Platform.Points.OrderBy(p => p.Key.Sequence).Select(p => p.Value.Value));
    }

    [Fact]
    public async Task Output_beyond_the_limit_is_dropped_with_a_line_that_says_so()
    {
        await using var harness = await RunnerHarness.StartAsync("--Runner:LogLimitBytes=100000");
        harness.Submit("import sys\nfor i in range(200):\n    sys.stdout.write('x' * 99999 + '\\n')\nsys.stderr.write('the end\\n')");
        var end = await harness.EndAsync();
        Assert.Equal(JobEventKind.Finished, end.Kind);
        Assert.EndsWith("[aiplatform] log truncated: the limit of 100000 bytes is reached\n", harness.Log(), StringComparison.Ordinal);
        Assert.InRange(harness.Log().Length, 100_000, 100_200);
    }

    [Fact]
    public async Task Children_that_daemonise_end_with_the_job()
    {
        await using var harness = await RunnerHarness.StartAsync();
        harness.Submit(
            """
            import os, subprocess, sys, time
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    time.sleep(600)
                os._exit(0)
            os.wait()
            subprocess.Popen([sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"], start_new_session=True)
            print("parent done")
            """);
        var end = await harness.EndAsync();
        Assert.Equal(JobEventKind.Finished, end.Kind);
        Assert.Contains("parent done", harness.Log(), StringComparison.Ordinal);
        AssertNoProcess(harness);
    }

    [Fact]
    public async Task A_cancel_command_stops_the_whole_tree()
    {
        await using var harness = await RunnerHarness.StartAsync();
        harness.Submit("import subprocess, sys, time\nsubprocess.Popen(['sleep', '600'])\nprint('up', flush=True)\ntime.sleep(600)", ranks: 2);
        await RunnerHarness.UntilAsync(() => harness.Log().Contains("up", StringComparison.Ordinal));
        harness.Platform.Commands.Enqueue(new RunnerCommand(RunnerCommandKind.Cancel, new RunningNode(harness.JobId, 1, 0), "not needed any more"));
        var end = await harness.EndAsync();
        Assert.Equal((JobEventKind.Cancelled, "not needed any more"), (end.Kind, end.Reason));
        AssertNoProcess(harness);
    }

    [Fact]
    public async Task A_rank_killed_by_a_signal_is_reported_by_its_name()
    {
        await using var harness = await RunnerHarness.StartAsync();
        harness.Submit("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)");
        var end = await harness.EndAsync();
        Assert.Equal((JobEventKind.Failed, 139), (end.Kind, end.ExitCode));
        Assert.Contains("killed by SIGSEGV", end.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task After_a_failed_job_the_runner_takes_the_next_attempt_and_gives_it_the_checkpoint()
    {
        await using var harness = await RunnerHarness.StartAsync();
        harness.Submit("raise SystemExit(1)");
        await harness.EndAsync();
        var content = "state"u8.ToArray();
        var file = harness.Platform.Serve("state.pt", content);
        harness.Submit(
            """
            import aiplatform_runtime as aip
            checkpoint = aip.load_checkpoint()
            print(open(checkpoint.path).read(), checkpoint.step)
            aip.log_metrics({"loss": 1}, step=43)
            open("next.pt", "w").write("more")
            aip.save_checkpoint("next.pt", step=44, metrics={"val_accuracy": 0.5})
            """,
            attempt: 2,
            configure: builder => builder.Assignment = builder.Assignment with
            {
                Checkpoint = new("checkpoints/step-42/state.pt", file.Size, file.Sha256, Contracts.Experiments.ArtifactKind.Checkpoint, 42, null, 1, DateTimeOffset.UtcNow)
                {
                    DownloadUrl = file.Url,
                },
            });
        var end = await harness.EndAsync(attempt: 2);
        Assert.Equal(JobEventKind.Finished, end.Kind);
        Assert.Contains("state 42", harness.Log(attempt: 2), StringComparison.Ordinal);
        Assert.Equal([(2, 42L)], harness.Platform.Resumes);
        var checkpoint = harness.Platform.Artifacts["checkpoints/step-00000044/next.pt"];
        Assert.Equal((44L, 0.5, 2), (checkpoint.Step, checkpoint.Metrics!["val_accuracy"], checkpoint.Attempt));
    }

    [Fact]
    public async Task A_later_attempt_that_asks_for_no_checkpoint_supersedes_what_earlier_ones_measured()
    {
        await using var harness = await RunnerHarness.StartAsync();
        harness.Submit("import aiplatform_runtime as aip\naip.log_metrics({'loss': 1}, step=1)", attempt: 3);
        await harness.EndAsync(attempt: 3);
        Assert.Equal([(3, -1L)], harness.Platform.Resumes);
    }

    [Fact]
    public async Task Files_outside_the_workspace_are_not_uploaded()
    {
        await using var harness = await RunnerHarness.StartAsync();
        harness.Submit(
            """
            import os
            import aiplatform_runtime as aip
            os.symlink("/etc/passwd", "innocent.txt")
            for file, name in (("/etc/passwd", "a"), ("innocent.txt", "b"), (__file__, "../../c")):
                try:
                    aip.log_artifact(file, name)
                    print("TAKEN")
                except aip.RunnerError as error:
                    print("refused:", error)
            """);
        var end = await harness.EndAsync();
        Assert.Equal(JobEventKind.Finished, end.Kind);
        Assert.Equal(3, harness.Log().Split("refused:").Length - 1);
        Assert.Empty(harness.Platform.Artifacts);
    }

    [Fact]
    public async Task A_wish_for_a_checkpoint_reaches_the_code_and_ends_with_the_checkpoint()
    {
        await using var harness = await RunnerHarness.StartAsync();
        harness.Submit(
            """
            import time
            import aiplatform_runtime as aip
            while not aip.should_checkpoint():
                time.sleep(0.05)
            aip.save_checkpoint({"a": 1}, step=5)
            while not aip.should_stop():
                time.sleep(0.05)
            print("stopped")
            """);
        await RunnerHarness.UntilAsync(() => harness.Platform.Events.Any(e => e.Kind == JobEventKind.Started));
        harness.Platform.Commands.Enqueue(new RunnerCommand(RunnerCommandKind.Checkpoint, new RunningNode(harness.JobId, 1, 0)));
        await RunnerHarness.UntilAsync(() => harness.Platform.Artifacts.ContainsKey("checkpoints/step-00000005/state.pickle"), () => harness.Log());
        harness.Platform.Commands.Enqueue(new RunnerCommand(RunnerCommandKind.Drain, new RunningNode(harness.JobId, 1, 0)));
        var end = await harness.EndAsync();
        Assert.Equal(JobEventKind.Finished, end.Kind);
    }

    [Fact]
    public async Task The_nodes_of_a_gang_meet_at_node_zero()
    {
        await using var harness = await RunnerHarness.StartAsync("--Runner:MaxNodes=2");
        harness.Submit(
            """
            import os, socket, time
            import aiplatform_runtime as aip
            place = (os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]))
            if os.environ["RANK"] == "0":
                listener = socket.create_server(place)
                peer, _ = listener.accept()
                print("met", peer.recv(10).decode(), "of", os.environ["WORLD_SIZE"])
            else:
                while True:
                    try:
                        socket.create_connection(place).sendall(os.environ["GROUP_RANK"].encode())
                        break
                    except ConnectionRefusedError:
                        time.sleep(0.1)
            aip.log_metrics({"done": 1}, step=1)
            """,
            configure: builder => builder.Assignment = builder.Assignment with
            {
                Spec = builder.Assignment.Spec with { Resources = new JobResources(Nodes: 2) },
            });
        harness.Offer(node: 1);
        await RunnerHarness.UntilAsync(() => harness.Platform.Events.Count(e => e.Kind == JobEventKind.Finished) == 2, () => harness.Log() + harness.Log(1));
        Assert.Equal("met 1 of 2\n", harness.Log());
        Assert.Equal(["0-0", "1-1"], harness.Platform.Points.Keys.Select(key => key.Source).Order());
    }

    [Fact]
    public async Task A_job_whose_point_the_platform_refuses_has_not_succeeded_and_the_others_arrive()
    {
        await using var harness = await RunnerHarness.StartAsync();
        harness.Submit("import aiplatform_runtime as aip\nfor k in ('a', 'refused', 'b', 'c'):\n    aip.log_metrics({k: 1}, step=1)");
        var end = await harness.EndAsync();
        Assert.Equal(JobEventKind.Failed, end.Kind);
        Assert.Contains("The metric 'refused' could not be stored", end.Reason, StringComparison.Ordinal);
        Assert.Equal(["a", "b", "c"], harness.Platform.Points.Values.Select(point => point.Key).Order());
    }

    /// <summary>What the platform could not store is refused where it is said, whatever the message; nothing of it is left out silently.</summary>
    [Fact]
    public async Task What_cannot_be_stored_is_refused_in_the_call_of_the_code()
    {
        await using var harness = await RunnerHarness.StartAsync();
        harness.Submit(
            """
            import pathlib
            import aiplatform_runtime as aip
            pathlib.Path("f").write_text("x")
            calls = 0
            for bad in ("a\0b", "a\ud800b", "\udc00"):
                for call in (
                    lambda: aip.log_metrics({bad: 1}, step=1),
                    lambda: aip.log_params({bad: "v"}),
                    lambda: aip.log_params({"good": "v", "k": bad}),
                    lambda: aip.set_tags({bad: "v"}),
                    lambda: aip.set_tags({"good": "v", "k": bad}),
                    lambda: aip.log_artifact("f", bad),
                    lambda: aip.log_model("f", metrics={bad: 1}),
                    lambda: aip.save_checkpoint("f", step=1, metrics={bad: 1}),
                    lambda: aip.log_text(bad, "x", step=1),
                    lambda: aip.log_text("k", "x", step=1, caption=bad),
                ):
                    calls += 1
                    try:
                        call()
                        print("TAKEN", calls, repr(bad))
                    except aip.RunnerError as error:
                        print("refused", error.code, error)
            for call in (
                lambda: aip.log_params({"long": "x" * 6001}),
                lambda: aip.set_tags({"long": "x" * 8001}),
                lambda: aip.log_metrics({"x" * 251: 1}, step=1),
                lambda: aip.log_metrics({"old": 1}, step=1, timestamp="1969-12-31T23:59:59Z"),
                lambda: aip.log_metrics({"large": 1}, step=10 ** 30),
                lambda: aip.log_metrics({"when": 1}, step=1, timestamp="yesterday"),
                lambda: aip.log_model("f", metrics={str(i): i for i in range(101)}),
            ):
                calls += 1
                try:
                    call()
                    print("TAKEN", calls)
                except aip.RunnerError as error:
                    print("refused", error.code, error)
            aip.log_params({f"p{i}": i for i in range(450)})
            aip.set_tags({f"t{i}": i for i in range(450)})
            aip.log_metrics({"after": 1}, step=2)
            print("calls", calls)
            """);
        var end = await harness.EndAsync();
        var log = harness.Log();
        Assert.True(end.Kind == JobEventKind.Finished, $"{end.Reason}\n{log}");
        Assert.DoesNotContain("TAKEN", log, StringComparison.Ordinal);
        Assert.Contains("calls 37\n", log, StringComparison.Ordinal);
        Assert.Equal(37, log.Split("refused invalid_request ").Length - 1);
        Assert.Equal((450, 450, 1), (harness.Platform.Params.Count, harness.Platform.Tags.Count, harness.Platform.Points.Count));
        Assert.Empty(harness.Platform.Artifacts);
    }

    [Fact]
    public async Task A_job_whose_artifact_the_platform_refuses_has_not_succeeded_and_says_which()
    {
        await using var harness = await RunnerHarness.StartAsync();
        harness.Submit("import aiplatform_runtime as aip\nopen('f', 'w').write('x')\naip.log_artifact('f', 'good.txt')\naip.log_artifact('f', 'refused/model.bin')\naip.log_artifact('f', 'also.txt')");
        var end = await harness.EndAsync();
        Assert.Equal(JobEventKind.Failed, end.Kind);
        Assert.Contains("'refused/model.bin' could not be stored", end.Reason, StringComparison.Ordinal);
        Assert.Equal(["also.txt", "good.txt"], harness.Platform.Artifacts.Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_parameter_keeps_its_first_value_and_costs_no_other_one()
    {
        await using var harness = await RunnerHarness.StartAsync();
        harness.Submit("import aiplatform_runtime as aip\naip.log_params({'seed': 1})\naip.log_params({'seed': 2, 'lr': 0.1, 'depth': 3})");
        var end = await harness.EndAsync();
        Assert.True(end.Kind == JobEventKind.Finished, end.Reason);
        Assert.Equal(("1", "0.1", "3"), (harness.Platform.Params["seed"], harness.Platform.Params["lr"], harness.Platform.Params["depth"]));
    }

    [Fact]
    public async Task Artifacts_are_named_by_the_platforms_rule_and_the_code_hears_at_once_of_a_name_that_is_not_allowed()
    {
        await using var harness = await RunnerHarness.StartAsync();
        harness.Submit(
            """
            import aiplatform_runtime as aip
            open("f", "w").write("x")
            for name in ("100%.png", "a:b", "dot.", "e\u0301.txt", "%2e%2e/x", "a\\b", " x"):
                try:
                    aip.log_artifact("f", name)
                except aip.RunnerError as error:
                    print("refused:", error)
            """);
        var end = await harness.EndAsync();
        Assert.True(end.Kind == JobEventKind.Finished, end.Reason);
        Assert.Equal(["100%.png", "a:b", "dot.", "\u00e9.txt"], harness.Platform.Artifacts.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(3, harness.Log().Split("refused:").Length - 1);
    }

    [Fact]
    public async Task Too_few_gpus_and_a_missing_recipe_are_the_reason()
    {
        await using var harness = await RunnerHarness.StartAsync();
        harness.Submit("print(1)", gpus: 99);
        Assert.Contains("fewer than 99 free GPUs", (await harness.EndAsync()).Reason, StringComparison.Ordinal);
        harness.Submit("", attempt: 2, configure: builder => builder.Assignment = builder.Assignment with
        {
            Spec = builder.Assignment.Spec with { Code = null, Recipe = "no-such-recipe" },
        });
        Assert.Contains("no recipe 'no-such-recipe'", (await harness.EndAsync(attempt: 2)).Reason, StringComparison.Ordinal);
        harness.Submit("", attempt: 3, configure: builder => builder.Assignment = builder.Assignment with
        {
            Spec = builder.Assignment.Spec with { Code = new JobCode("../x.py", new Dictionary<string, string> { ["../x.py"] = "" }) },
        });
        Assert.Contains("'../x.py' is not allowed", (await harness.EndAsync(attempt: 3)).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_node_of_somebody_else_is_left_alone()
    {
        await using var harness = await RunnerHarness.StartAsync();
        harness.Offer();
        await RunnerHarness.UntilAsync(() => harness.Completed == 1);
        Assert.Empty(harness.Platform.Events);
        Assert.False(Directory.Exists(harness.NodeDirectory()));
    }

    [Fact]
    public async Task The_environment_of_a_rank_holds_no_secret_of_the_runner()
    {
        Environment.SetEnvironmentVariable("Runner__SomeSecret", "very-secret");
        try
        {
            await using var harness = await RunnerHarness.StartAsync();
            harness.Submit("import os\nprint(sorted(os.environ.items()))");
            await harness.EndAsync();
            Assert.Contains("AIP_RUN_ID", harness.Log(), StringComparison.Ordinal);
            Assert.DoesNotContain("secret", harness.Log(), StringComparison.OrdinalIgnoreCase);
        }
        finally
        {
            Environment.SetEnvironmentVariable("Runner__SomeSecret", null);
        }
    }

    [Fact]
    public async Task Datasets_are_staged_from_the_store_once_and_verified()
    {
        await using var harness = await RunnerHarness.StartAsync();
        var file = harness.Platform.Serve("sub/digits.csv", "label,p0\n"u8.ToArray());
        void Configure(RunnerHarness.Builder builder) => builder.Assignment = builder.Assignment with { Datasets = [new AssignedDataset("digits", 1, [file])] };
        const string code = "import aiplatform_runtime as aip\nprint((aip.dataset_path('digits') / 'sub/digits.csv').read_text())";
        harness.Submit(code, configure: Configure);
        Assert.Equal(JobEventKind.Finished, (await harness.EndAsync()).Kind);
        Assert.Contains("label,p0", harness.Log(), StringComparison.Ordinal);

        harness.Platform.Blobs.Clear();
        harness.Submit(code, attempt: 2, configure: Configure);
        Assert.Equal(JobEventKind.Finished, (await harness.EndAsync(attempt: 2)).Kind);

        harness.Platform.Blobs["wrong"] = "label,p1\n"u8.ToArray();
        harness.Submit(code, attempt: 3, configure: builder => builder.Assignment = builder.Assignment with
        {
            Datasets = [new AssignedDataset("digits", 1, [file with { Sha256 = new string('a', 64), Url = $"{harness.Platform.Url}/blobs/wrong" }])],
        });
        Assert.Contains("announced were 9 bytes and aaaa", (await harness.EndAsync(attempt: 3)).Reason, StringComparison.Ordinal);
    }

    private static void AssertNoProcess(RunnerHarness harness) => Assert.Empty(NodeMarker.Live($"{harness.JobId}-1-0"));
}
