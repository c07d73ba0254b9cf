using AiPlatform.FunctionsHost.App;
using Microsoft.AspNetCore.Routing.Template;

namespace AiPlatform.FunctionsHost.Http;

/// <summary>
/// Which function serves a request: functions in the order of their names, whatever their case; the first route that fits wins. A method
/// that a function does not take leaves the request to the next one.
/// </summary>
internal sealed class RouteTable
{
    // The host's own, whatever an app says.
    private static readonly PathString[] Reserved = ["/admin", "/runtime"];

    private readonly Entry[] _entries;

    public RouteTable(IEnumerable<FunctionDescription> functions, string prefix)
        => _entries = [.. functions.Where(static function => function.Trigger is HttpTrigger)
            .OrderBy(static function => function.Name, StringComparer.OrdinalIgnoreCase)
            .Select(function => Entry.Create(function, prefix))];

    /// <summary>The function of a request, and the values of its route; null when none fits.</summary>
    public RouteMatch? Match(HttpContext context)
    {
        var path = context.Request.Path;
        if (Array.Exists(Reserved, reserved => path.StartsWithSegments(reserved, StringComparison.OrdinalIgnoreCase)))
        {
            return null;
        }

        foreach (var entry in _entries)
        {
            if (entry.Match(context, path) is { } values)
            {
                return new RouteMatch(entry.Function, values);
            }
        }

        return null;
    }

    private sealed record Entry(
        FunctionDescription Function, HttpTrigger Trigger, string Literal, TemplateMatcher Matcher, IReadOnlyDictionary<string, IRouteConstraint> Constraints)
    {
        public static Entry Create(FunctionDescription function, string prefix)
        {
            var trigger = (HttpTrigger)function.Trigger;
            var template = TemplateParser.Parse($"{prefix}/{trigger.Route.TrimStart('/')}".Trim('/'));
            return new Entry(function, trigger, LiteralOf(template), new TemplateMatcher(template, []), RouteConstraints.Of(template));
        }

        public RouteValueDictionary? Match(HttpContext context, PathString path)
        {
            if (!path.Value!.StartsWith(Literal, StringComparison.OrdinalIgnoreCase) || !Takes(context.Request.Method))
            {
                return null;
            }

            var values = new RouteValueDictionary();
            return Matcher.TryMatch(path, values) && RouteConstraints.Allow(Constraints, context, values) ? values : null;
        }

        // The segments before the first that varies: a quick look that spares most of the others.
        private static string LiteralOf(RouteTemplate template)
        {
            var literal = string.Concat(template.Segments.TakeWhile(static segment => segment is { IsSimple: true, Parts: [{ IsLiteral: true }] })
                .Select(static segment => $"/{segment.Parts[0].Text}"));
            return literal.Length == 0 ? "/" : literal;
        }

        private bool Takes(string method)
            => Trigger.Methods.Count == 0 || Trigger.Methods.Any(taken => taken.Equals(method, StringComparison.OrdinalIgnoreCase));
    }
}

/// <summary>A request's function and the values of its route.</summary>
/// <param name="Function">The function.</param>
/// <param name="Values">By parameter.</param>
internal sealed record RouteMatch(FunctionDescription Function, RouteValueDictionary Values);
