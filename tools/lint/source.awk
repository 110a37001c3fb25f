# Rules for C sources and headers.
function say(line, rule, what) { print FILENAME ":" line ": [" rule "] " what }

function in_dir(dir) { return FILENAME ~ ("(^|/)" dir "/") }

# A line without strings and comments, so that words in them are not taken for code.
function code(line) {
    gsub(/\\./, "", line)
    gsub(/"[^"]*"/, "\"\"", line)
    gsub(/'[^']*'/, "' '", line)
    if (in_comment) {
        if (line !~ /\*\//) return ""
        sub(/^.*\*\//, "", line)
        in_comment = 0
    }
    gsub(/\/\*[^*]*(\*[^*\/][^*]*)*\*\//, "", line)
    if (line ~ /\/\*/) {
        in_comment = 1
        sub(/\/\*.*/, "", line)
    }
    return line
}

function banned(line) {
    if (line ~ /(^|[^a-z_])(strcpy|strcat|sprintf|vsprintf|gets) *\(/)
        say(FNR, "banned", "unbounded: use g_strlcpy(), g_snprintf() or GString")
    if (line ~ /(^|[^a-z_])(atoi|atol|atof) *\(/)
        say(FNR, "banned", "sees no errors: use g_ascii_string_to_unsigned() and its like")
    if (line ~ /(^|[^a-z_])strtok *\(/)
        say(FNR, "banned", "keeps hidden state: use g_strsplit()")
    if (line ~ /(^|[^a-z_])(system|popen) *\(/)
        say(FNR, "banned", "goes through a shell: use GSubprocess")
    if (line ~ /(^|[^a-z_])s?rand(om)? *\(/)
        say(FNR, "banned", "predictable: use g_random_*() or, for secrets, RAND_bytes()")
    if (!in_dir("tests") && line ~ /(^|[^a-z_])g_error *\(/)
        say(FNR, "banned", "ends the process: return a GError")
    if (in_dir("plugins") && !in_dir("tests") && line ~ /(^|[^a-z_])(socket|connect|sendto|recvfrom) *\([^*]/ && line !~ /(->|\.)(connect|send)/)
        say(FNR, "raw-socket", "plugins speak through the host's transport services")
}

function include_arrows(line) {
    if (line !~ /^#include/) return
    if (in_dir("core") && line ~ /(plugins|tools|amt|wmi|dummy)\//)
        say(FNR, "arrow", "the core includes nothing of plugins/ or tools/")
    if (in_dir("core/host") && line ~ /fleet\//)
        say(FNR, "arrow", "the host works without fleet/: it reaches it through hooks only")
    if (in_dir("plugins") && !in_dir("tests") && line ~ /(core|host|fleet)\/|"(run|batch|worker|registry|host|stream|http|tap)\.h"/)
        say(FNR, "arrow", "a plugin includes the SDK's headers and its own only")
    if (FILENAME ~ /sdk\/postern-plugin\.h$/ && line !~ /<(gio\/gio|glib|stddef|stdint)\.h>/)
        say(FNR, "arrow", "the contract includes GIO and standard headers only")
}

# A definition begins at column 0 with its name; its body is between braces at column 0.
function function_length(line) {
    if (line ~ /^[a-z_][a-z0-9_]*\(/) { name = line; sub(/\(.*/, "", name) }
    if (line ~ /^\{/) body_start = FNR
    if (line ~ /^\}/ && body_start && name != "") {
        if (FNR - body_start > 80)
            say(body_start, "long-function", name "() has " FNR - body_start " lines: more than 80")
        body_start = 0
        name = ""
    }
}

function nesting(line) {
    match(line, /^ */)
    if (line ~ /^ *(if|for|while|switch|do)[ (]/ && RLENGTH >= 20)
        say(FNR, "nesting", "five deep: give the inner part a name of its own")
}

# Each member of a table in the contract says what it is: a comment before it, behind it, or for its group.
function contract_member(raw) {
    if (FILENAME !~ /sdk\/postern-plugin\.h$/) return
    if (raw ~ /^typedef struct \{/) { in_struct = 1; commented = 0; next_commented = 0; return }
    if (raw ~ /^\}/) { in_struct = 0; return }
    if (!in_struct) return
    if (raw ~ /^ +\/?\*/) { commented = 1; return }
    if (raw ~ /^    [a-zA-Z].*\(\*[a-z_]+\)\(/ && !commented)
        say(FNR, "undocumented", "say what this member does, who owns what, on which thread, and what NULL means")
    if (raw ~ /;[ ]*$/ || raw ~ /;.*\*\//) commented = 0
}

FNR == 1 {
    in_comment = 0; body_start = 0; name = ""; in_struct = 0
    if ($0 !~ /SPDX-License-Identifier: Apache-2\.0/)
        say(1, "licence", "begin with /* SPDX-License-Identifier: Apache-2.0 */")
}
{
    contract_member($0)
    line = code($0)
    banned(line)
    include_arrows($0)
    if (line ~ /(^|[ ;{}])goto +[a-z_]+;/)
        say(FNR, "goto", "use g_autoptr and early returns")
    function_length(line)
    nesting(line)
    if (FNR == 1001)
        say(1001, "long-file", "more than 1,000 lines: it has more than one subject")
}
