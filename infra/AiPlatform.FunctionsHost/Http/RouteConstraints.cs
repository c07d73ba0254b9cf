using Microsoft.AspNetCore.Routing.Constraints;
using Microsoft.AspNetCore.Routing.Template;
using Microsoft.Extensions.Options;

namespace AiPlatform.FunctionsHost.Http;

/// <summary>What a route demands of its parameters, such as <c>{id:int}</c>.</summary>
internal static class RouteConstraints
{
    private static readonly DefaultInlineConstraintResolver Resolver = new(
        Options.Create(new RouteOptions()), new ServiceCollection().BuildServiceProvider());

    /// <summary>The constraints of a template by parameter.</summary>
    /// <exception cref="InvalidOperationException">A constraint is unknown.</exception>
    public static IReadOnlyDictionary<string, IRouteConstraint> Of(RouteTemplate template)
        => template.Parameters.Where(static parameter => parameter.InlineConstraints.Any()).ToDictionary(
            static parameter => parameter.Name!,
            static parameter => All(parameter),
            StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether the values fit.</summary>
    public static bool Allow(IReadOnlyDictionary<string, IRouteConstraint> constraints, HttpContext context, RouteValueDictionary values)
    {
        foreach (var (parameter, constraint) in constraints)
        {
            if (!constraint.Match(context, route: null, parameter, values, RouteDirection.IncomingRequest))
            {
                return false;
            }
        }

        return true;
    }

    private static IRouteConstraint All(TemplatePart parameter)
    {
        IRouteConstraint[] each = [.. parameter.InlineConstraints.Select(constraint => Resolver.ResolveConstraint(constraint.Constraint)
            ?? throw new InvalidOperationException($"The route parameter {parameter.Name} has an unknown constraint {constraint.Constraint}."))];
        var all = new CompositeRouteConstraint(each);
        return parameter.IsOptional ? new OptionalRouteConstraint(all) : all;
    }
}
