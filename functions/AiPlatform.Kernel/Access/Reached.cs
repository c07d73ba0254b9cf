using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using AiPlatform.Contracts;
using AiPlatform.Kernel.Errors;

namespace AiPlatform.Kernel.Access;

/// <summary>
/// Something that the request's path names and the caller reaches. Handlers take it as a parameter, as they take the <see cref="Caller"/>:
/// who has one needs to ask nothing more.
/// </summary>
public sealed class Reached<T>(T value)
    where T : class
{
    /// <summary>The thing itself.</summary>
    public T Value { get; } = value;

    /// <summary>Binds the parameter of a handler.</summary>
    /// <exception cref="ApiException">404 <c>not_found</c>: there is none, or the caller does not reach it.</exception>
    [SuppressMessage("Design", "CA1000:Do not declare static members on generic types", Justification = "The framework finds it here; nobody calls it.")]
    public static async ValueTask<Reached<T>?> BindAsync(HttpContext context)
    {
        var reach = context.RequestServices.GetRequiredService<IReach<T>>();
        var caller = context.Features.Get<Caller>() ?? throw new ApiException(ErrorCodes.Unauthenticated);
        return new Reached<T>(await reach.RequireAsync(context.Request.RouteValues, caller, context.RequestAborted));
    }
}

/// <summary>What has an id.</summary>
public interface IReachable
{
    /// <summary>Its id.</summary>
    string Id { get; }
}

/// <summary>Registers who finds what is reached, and shortens handlers: most ask for no more than the id.</summary>
public static class ReachedExtensions
{
    /// <summary>A part of a path that the route has.</summary>
    public static string Text(this RouteValueDictionary path, string name) => (string)path[name]!;

    /// <summary>A part of a path that is a whole number by the route's own constraint.</summary>
    public static int Number(this RouteValueDictionary path, string name) => int.Parse(path.Text(name), CultureInfo.InvariantCulture);

    /// <summary>Registers the class that finds things of a kind, also as itself.</summary>
    public static IServiceCollection AddReach<T, TReach>(this IServiceCollection services)
        where T : class
        where TReach : class, IReach<T>
        => services.AddSingleton<TReach>().AddSingleton<IReach<T>>(static provider => provider.GetRequiredService<TReach>());

    extension<T>(Reached<T> reached)
        where T : class, IReachable
    {
        /// <summary>The id of the thing itself.</summary>
        public string Id => reached.Value.Id;
    }
}

/// <summary>Finds things of one kind that a caller reaches. An area registers one for each kind that its paths name.</summary>
public interface IReach<T>
    where T : class
{
    /// <summary>The one that the path names and the caller reaches.</summary>
    /// <param name="path">The parts of the path by their names, such as <c>run</c> in <c>/v1/runs/{run}</c>.</param>
    /// <exception cref="ApiException">404 <c>not_found</c>.</exception>
    Task<T> RequireAsync(RouteValueDictionary path, Caller caller, CancellationToken cancellationToken);
}
