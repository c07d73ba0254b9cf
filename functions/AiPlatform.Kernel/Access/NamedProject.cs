namespace AiPlatform.Kernel.Access;

/// <summary>A feature of requests whose path began with <c>/p/{project}</c>: the project that it names.</summary>
public sealed record NamedProject(string Name);
