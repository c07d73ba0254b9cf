using AiPlatform.Identity.Accounts;

namespace AiPlatform.Tests.Functions.Identity;

public sealed class PasswordRulesTests
{
    [Theory]
    [InlineData("password", "commonPassword")]
    [InlineData("Password1!", "commonPassword")]
    [InlineData("P@ssw0rd123", "commonPassword")]
    [InlineData("!!qwertyuiop!!", "commonPassword")]
    [InlineData("1qaz2wsx3edc", "commonPassword")]
    [InlineData("Welcome2026!", "commonPassword")]
    [InlineData("aaaaaaaaaaaa", "repeatedPassword")]
    [InlineData("abcabcabcabc", "repeatedPassword")]
    [InlineData("a1!za1!za1!z", "repeatedPassword")]
    [InlineData("zyxwvutsrqpo", "sequentialPassword")]
    [InlineData("poiuytrewq", "sequentialPassword")]
    [InlineData("23456789012", "sequentialPassword")]
    [InlineData("grace.hopper1", "namePassword")]
    [InlineData("99Grace.Hopper!", "namePassword")]
    [InlineData("hopper2026", "namePassword")]
    [InlineData("aiplatform-77", "namePassword")]
    public void What_guessing_tries_first_is_refused(string password, string reason)
        => Assert.Equal(reason, PasswordRules.Weakness(password, "Grace.Hopper", "hopper@example.org"));

    [Theory]
    [InlineData("correct horse battery")]
    [InlineData("a new long password")]
    [InlineData("grace.hopper likes cobol")]
    [InlineData("密码很长而且不常见的句子")]
    [InlineData("xK7$pQ2&mZ")]
    [InlineData("blueberries at noon")]
    public void Everything_else_is_taken_whatever_its_characters(string password)
        => Assert.Null(PasswordRules.Weakness(password, "Grace.Hopper", "hopper@example.org"));
}
