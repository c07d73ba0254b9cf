using System.Text;
using System.Text.Json;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Kernel.Blobs;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Compute.Jobs;

/// <summary>Checks a submission as far as that goes without the database, and fills in the defaults.</summary>
internal static class JobSubmissionCheck
{
    private const int MaxDatasets = 32;
    private const int MaxDependencies = 100;
    private const int MaxCodeFiles = 200;
    private const int MaxParams = 200;
    private const int MaxParamText = 6_000;
    private static readonly JsonElement NoParams = JsonElement.Parse("{}");

    /// <summary>The complete job, its datasets and dependencies still as the caller named them.</summary>
    /// <exception cref="ApiException">400 <c>invalid_request</c> naming the field.</exception>
    public static JobSpec Complete(SubmitJobRequest request, JobOptions options)
    {
        if (request.Name is not null)
        {
            Check.Length(request.Name, "name", 1, 250);
        }

        if (request.Experiment is not null)
        {
            request = request with { Experiment = Check.Name(request.Experiment, "experiment") };
        }

        Check.That(request.Recipe is null != request.Code is null, request.Recipe is null ? "recipe" : "code", "recipeOrCode");
        Check.That(request.Recipe is null || options.KnownRecipes.Contains(request.Recipe), "recipe", "oneOf", string.Join(", ", options.KnownRecipes));
        CheckCode(request.Code, options);
        var parameters = CheckParams(request.Params ?? NoParams, options);
        var resources = CheckResources(request.Resources ?? new JobResources(), options);
        var retry = CheckRetry(request.Retry ?? new JobRetry());
        Check.Range(request.TimeoutSeconds, "timeoutSeconds", 1, 604_800);
        Check.Defined(request.Priority, "priority");
        if (request.RegisterModel is not null)
        {
            request = request with { RegisterModel = Check.Name(request.RegisterModel, "registerModel") };
        }

        return new JobSpec(
            request.Recipe, request.Code, parameters, CheckDatasets(request.Datasets ?? []), resources, retry, request.TimeoutSeconds,
            CheckDependencies(request.DependsOn ?? []), request.RegisterModel);
    }

    /// <summary>The job's parameters as parameters of its run: strings as they are, everything else as JSON.</summary>
    public static Dictionary<string, string> RunParams(JsonElement parameters)
        => parameters.EnumerateObject().ToDictionary(
            entry => entry.Name,
            entry => entry.Value.ValueKind == JsonValueKind.String ? entry.Value.GetString()! : entry.Value.GetRawText(),
            StringComparer.Ordinal);

    private static void CheckCode(JobCode? code, JobOptions options)
    {
        if (code is null)
        {
            return;
        }

        Check.That(code.Files.Count is >= 1 and <= MaxCodeFiles, "code.files", "count", 1, MaxCodeFiles);
        Check.That(code.Files.ContainsKey(code.Entrypoint), "code.entrypoint", "oneOf", string.Join(", ", code.Files.Keys.Take(10)));
        var bytes = 0L;
        foreach (var (path, text) in code.Files)
        {
            var problem = RelativePath.Problem(path);
            Check.That(problem is null, "code.files", "path", problem);
            Check.That(text is not null && !text.Contains('\0', StringComparison.Ordinal), "code.files", "wrongType");
            bytes += Encoding.UTF8.GetByteCount(text!);
        }

        Check.That(bytes <= options.MaxCodeBytes, "code.files", "length", 0, options.MaxCodeBytes);
    }

    private static JsonElement CheckParams(JsonElement parameters, JobOptions options)
    {
        Check.Kind(parameters, "params", JsonValueKind.Object);
        Check.Json(parameters, "params", options.MaxParamsBytes);
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var entry in parameters.EnumerateObject())
        {
            Check.Length(entry.Name, "params", 1, 250);
            Check.That(names.Add(entry.Name), $"params.{entry.Name}", "duplicate");
            Check.Length(
                entry.Value.ValueKind == JsonValueKind.String ? entry.Value.GetString() : entry.Value.GetRawText(), $"params.{entry.Name}", 0, MaxParamText);
        }

        Check.That(names.Count <= MaxParams, "params", "count", 0, MaxParams);
        return parameters;
    }

    private static JobResources CheckResources(JobResources resources, JobOptions options)
    {
        Check.Range(resources.Nodes, "resources.nodes", 1, 64);
        Check.Range(resources.ProcessesPerNode, "resources.processesPerNode", 1, 16);
        Check.Range(resources.GpusPerProcess, "resources.gpusPerProcess", 0, 16);
        Check.That(options.KnownPools.Contains(resources.Pool), "resources.pool", "oneOf", string.Join(", ", options.KnownPools));
        return resources;
    }

    private static JobRetry CheckRetry(JobRetry retry)
    {
        Check.Range(retry.MaxAttempts, "retry.maxAttempts", 1, 20);
        Check.Range(retry.FirstDelaySeconds, "retry.firstDelaySeconds", 0, 86_400d);
        Check.Range(retry.BackoffCoefficient, "retry.backoffCoefficient", 1, 10d);
        Check.Range(retry.MaxDelaySeconds, "retry.maxDelaySeconds", 0, 86_400d);
        return retry;
    }

    private static IReadOnlyList<JobDataset> CheckDatasets(IReadOnlyList<JobDataset> datasets)
    {
        Check.That(datasets.Count <= MaxDatasets, "datasets", "count", 0, MaxDatasets);
        for (var i = 0; i < datasets.Count; i++)
        {
            Check.That(datasets[i] is not null, $"datasets[{i}]", "required");
            Check.Length(datasets[i].Dataset, $"datasets[{i}].dataset", 1, 128);
            Check.Range(datasets[i].Version ?? 1, $"datasets[{i}].version", 1, int.MaxValue);
        }

        return datasets;
    }

    private static IReadOnlyList<string> CheckDependencies(IReadOnlyList<string> dependencies)
    {
        Check.That(dependencies.Count <= MaxDependencies, "dependsOn", "count", 0, MaxDependencies);
        for (var i = 0; i < dependencies.Count; i++)
        {
            Check.That(dependencies[i] is not null && Ids.IsId(dependencies[i]), $"dependsOn[{i}]", "id");
        }

        return [.. dependencies.Distinct(StringComparer.Ordinal)];
    }
}
