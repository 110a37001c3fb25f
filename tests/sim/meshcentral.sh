# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Sourced after sim.sh by the tests that let MeshCentral's AMT stack judge: fetches it, once for each build.

version=1.1.55
cache=$(cd "${builddir-.}" && pwd)/build-meshcentral-$version

command -v node >/dev/null || skip_all "node is not installed"
command -v npm >/dev/null || skip_all "npm is not installed"
if ! test -f "$cache/package/amt/amt.js"; then
    # tests may run side by side: nobody sees half of it
    mkdir -p "$cache.$$" &&
        (cd "$cache.$$" && timeout 120 npm pack --silent "meshcentral@$version" >/dev/null 2>&1 &&
            tar xzf "meshcentral-$version.tgz" package/amt && rm -f "meshcentral-$version.tgz") &&
        mv -T "$cache.$$" "$cache" 2>/dev/null
    rm -rf "$cache.$$"
fi
test -f "$cache/package/amt/amt.js" || skip_all "meshcentral $version cannot be had from the npm registry"
