# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Sourced by the tests that let MeshCentral's AMT stack judge: fetches it once for each build, a release that is pinned, and sets
# `meshcentral` to its AMT directory; else all of the test is skipped.

version=1.1.55
cache=$(cd "${builddir-.}" && pwd)/build-meshcentral-$version
scripts=package/public/scripts
last=$cache/$scripts/amt-redir-ws-0.1.0.js

command -v node >/dev/null || skip_all "node is not installed"
command -v npm >/dev/null || skip_all "npm is not installed"
# tests run side by side: one fetches, the others wait for it
(
    flock 9
    test -f "$last" && exit
    rm -rf "$cache" && mkdir -p "$cache" && cd "$cache" &&
        timeout 120 npm pack --silent "meshcentral@$version" >/dev/null 2>&1 &&
        tar xzf "meshcentral-$version.tgz" package/amt $scripts/common-0.0.1.js "$scripts/${last##*/}" &&
        rm -f "meshcentral-$version.tgz"
) 9>"$cache.lock"
test -f "$last" || skip_all "meshcentral $version cannot be had from the npm registry"
meshcentral=$cache/package/amt
export meshcentral
