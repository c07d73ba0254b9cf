using AiPlatform.MLflow.Models;

namespace AiPlatform.Tests.Functions.MLflow;

public sealed class MLmodelTests
{
    [Fact]
    public void Columns_tensors_and_params_are_read_as_clients_write_them()
    {
        var model = MLmodel.Parse(
            """
            artifact_path: model
            flavors:
              python_function:
                env:
                  conda: conda.yaml
                  virtualenv: python_env.yaml
                loader_module: mlflow.sklearn
            saved_input_example_info:
              artifact_path: input_example.json
              pandas_orient: split
              serving_input_path: serving_input_example.json
              type: dataframe
            signature:
              inputs: '[{"type": "double", "name": "sepal length (cm)", "required": true}, {"type":
                "double", "name": "it''s wide", "required": false}]'
              outputs: '[{"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1]}}]'
              params: null
            utc_time_created: '2024-10-17 20:29:00.995838'
            """);
        var signature = model.Signature!.Value;
        Assert.Equal(["inputs", "outputs"], signature.EnumerateObject().Select(part => part.Name));
        Assert.Equal(["sepal length (cm)", "it's wide"], signature.GetProperty("inputs").EnumerateArray().Select(column => column.GetProperty("name").GetString()));
        Assert.Equal(-1, signature.GetProperty("outputs")[0].GetProperty("tensor-spec").GetProperty("shape")[0].GetInt32());
        Assert.Equal("input_example.json", model.ExamplePath);

        model = MLmodel.Parse("""
            signature:
              params: '[{"name": "temperature", "type": "float", "default": 0.5, "shape": null}]'
              type_hint: {a: [b]}
            """);
        Assert.Equal(0.5, model.Signature!.Value.GetProperty("params")[0].GetProperty("default").GetDouble());
        Assert.Null(model.ExamplePath);
    }

    [Theory]
    [InlineData("flavors: {}")]
    [InlineData("signature: null\nsaved_input_example_info: null")]
    [InlineData("signature:\nflavors:")]
    [InlineData("signature:\n  inputs: null\n  outputs: ~")]
    public void Without_a_signature_there_is_none(string yaml) => Assert.Equal(new MLmodel(null, null), MLmodel.Parse(yaml));

    [Theory]
    [InlineData("")]
    [InlineData("- a\n- b")]
    [InlineData("a: [1, 2")]
    [InlineData("a: b: c")]
    [InlineData("\tx")]
    [InlineData("? [a]\n: b")]
    [InlineData("signature: text")]
    [InlineData("signature:\n  inputs: [1, 2]")]
    [InlineData("signature:\n  inputs: '{\"a\": 1}'")]
    [InlineData("signature:\n  inputs: '[1]'")]
    [InlineData("signature:\n  inputs: '[{'")]
    [InlineData("signature:\n  inputs: '\"[]\"'")]
    [InlineData("signature:\n  inputs: '[{\"name\": \"\\u0000\"}]'")]
    [InlineData("signature:\n  inputs: '[{\"name\": \"\\ud800\"}]'")]
    [InlineData("signature:\n  inputs: '[{\"default\": 1e999}]'")]
    [InlineData("signature:\n  inputs: '[{\"default\": NaN}]'")]
    public void What_is_no_MLmodel_file_is_refused(string yaml) => Assert.Throws<FormatException>(() => MLmodel.Parse(yaml));

    [Theory]
    [InlineData("flavors: ", "[")]
    [InlineData("flavors:\n ", "- ")]
    [InlineData("flavors: ", "{a: ")]
    [InlineData("", "[")]
    [InlineData("", "? ")]
    public void Deep_nesting_is_refused_before_it_takes_time(string start, string nested)
        => Assert.Throws<FormatException>(() => MLmodel.Parse(start + string.Concat(Enumerable.Repeat(nested, 300_000))));
}
