using AiPlatform.Hosting;
using Npgsql;

namespace AiPlatform.Tests.Hosting;

public sealed class PostgresConnectionTests
{
    [Theory]
    [InlineData("Host=h;Username=u;SSL Mode=VerifyFull", true)]
    [InlineData("Host=h;Username=u;SSL Mode=Require", true)]
    [InlineData("Host=h;Username=u;Password=p;SSL Mode=VerifyFull", false)]
    [InlineData("Host=h;Username=u;Passfile=/f;SSL Mode=VerifyFull", false)]
    [InlineData("Host=h;Username=u;SSL Certificate=/c;SSL Mode=VerifyFull", false)]
    [InlineData("Host=h;SSL Mode=VerifyFull", false)]
    [InlineData("Host=h;Username=u;SSL Mode=Prefer", false)]
    [InlineData("Host=h;Username=u", false)]
    public void Only_a_user_without_password_over_tls_is_an_identity(string connectionString, bool expected)
        => Assert.Equal(expected, PostgresConnection.IsByIdentity(new NpgsqlConnectionStringBuilder(connectionString)));
}
