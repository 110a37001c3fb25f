# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Sourced after sim.sh by the tests that let MeshCentral's AMT stack judge: fetches it, once for each build.

version=1.1.55
cache=$(cd "${builddir-.}" && pwd)/build-meshcentral-$version

scripts=package/public/scripts

command -v node >/dev/null || skip_all "node is not installed"
command -v npm >/dev/null || skip_all "npm is not installed"
if ! test -f "$cache/$scripts/amt-redir-ws-0.1.0.js"; then
    # tests may run side by side: nobody sees half of it
    mkdir -p "$cache.$$" &&
        (cd "$cache.$$" && timeout 120 npm pack --silent "meshcentral@$version" >/dev/null 2>&1 &&
            tar xzf "meshcentral-$version.tgz" package/amt $scripts/common-0.0.1.js $scripts/amt-redir-ws-0.1.0.js &&
            rm -f "meshcentral-$version.tgz") &&
        mv -T "$cache.$$" "$cache" 2>/dev/null
    rm -rf "$cache.$$"
fi
test -f "$cache/$scripts/amt-redir-ws-0.1.0.js" || skip_all "meshcentral $version cannot be had from the npm registry"
meshcentral=$cache/package/amt
export meshcentral
