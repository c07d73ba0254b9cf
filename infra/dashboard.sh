# Sourced by infra/up: the Aspire dashboard, one native program in a NuGet package, which is fetched once and started by nobody who does not ask for it.
# shellcheck shell=bash

# Links the package's folder to where the launcher looks.
install_dashboard() {
  local project=$root/infra/dashboard/dashboard.csproj package
  dotnet restore "$project" -v quiet </dev/null || fail "The dashboard could not be fetched."
  package=$(dotnet msbuild "$project" -getProperty:PkgAspire_Dashboard_Sdk_linux-x64 </dev/null)
  [ -n "$package" ] && [ -f "$package/tools/Aspire.Dashboard" ] || fail "The dashboard's package has no program in it: $package"
  mkdir -p "$root/.artifacts"
  ln -sfn "$package/tools" "$root/.artifacts/dashboard"
}
