# Reads the single measurements of tests/bench/wsman, prints its tables.
# Fields: mode, parallel, count, client, round, wall s, CPU s, RSS KiB, ok, connections, logins
function sort_numbers(list, n, i, j, x) {
    for (i = 2; i <= n; i++) {
        x = list[i]
        for (j = i - 1; j >= 1 && list[j] > x; j--) list[j + 1] = list[j]
        list[j + 1] = x
    }
}

# Sets low, middle and high of the measurements of one client
function spread(key, list, n, i) {
    n = times[key]
    for (i = 1; i <= n; i++) list[i] = cpu[key, i]
    sort_numbers(list, n)
    low = list[1]; high = list[n]
    middle = n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
}

# CPU of a run in microseconds for each device; "net" is without what starting the program costs.
function gross(mode, client, count) {
    if (!((mode, client, count) in times)) return 0
    spread(mode SUBSEP client SUBSEP count)
    return middle * 1e6 / count
}
function net(mode, client, count, start) {
    if (!((mode, client, count) in times) || !((mode, client, 1) in times) || count < 2) return 0
    spread(mode SUBSEP client SUBSEP 1)
    start = middle
    spread(mode SUBSEP client SUBSEP count)
    return (middle - start) * 1e6 / (count - 1)
}
function ratio(a, b) { return a > 0 && b > 0 ? sprintf("%.2f", a / b) : "-" }

function print_row(mode, client, count, key, of_one) {
    key = mode SUBSEP client SUBSEP count
    spread(key)
    of_one = 1e6 / count
    printf "%-6s %7d %-12s %8.1f %8.1f %8.1f %8s %8.1f %8s %9.0f %9d %9d %8.3f %8.3f\n", mode, count, client, \
        middle * of_one, low * of_one, high * of_one, ratio(middle, bare_middle[mode, count]), \
        net(mode, client, count), ratio(net(mode, client, count), net(mode, "bare-client", count)), \
        count * times[key] / wall[key], memory[key], ok[key] / times[key], \
        connections[key] / ok_or_one(key), logins[key] / ok_or_one(key)
}
function ok_or_one(key) { return ok[key] > 0 ? ok[key] : 1 }

$5 == "memory" {
    wide = $2
    wide_lines = wide_lines sprintf("%-6s %7d %-12s %9.1f %9.1f %9d %8.3f %8.3f\n", $1, $3, $4, $7 * 1e6 / $3, \
        $8 / 1024, $9, $9 > 0 ? $10 / $9 : 0, $9 > 0 ? $11 / $9 : 0)
    if ($4 == "postern") wide_memory[$1] = $8 / 1024
    next
}
{
    key = $1 SUBSEP $4 SUBSEP $3
    if (!(key in times)) rows[++n_rows] = key
    cpu[key, ++times[key]] = $7
    wall[key] += $6
    if ($8 > memory[key]) memory[key] = $8
    ok[key] += $9
    connections[key] += $10
    logins[key] += $11
    if (!(($1) in seen)) { seen[$1] = 1; modes[++n_modes] = $1 }
    if (!(($3) in seen)) { seen[$3] = 1; counts[++n_counts] = $3 }
}

function aim(what, found, aimed) { printf "  %-58s %8s   aim: %s\n", what, found, aimed }

# What the project aims at; a loaded or unusual machine shows other figures, so nothing fails.
function print_aims(mode, least, most) {
    least = counts[2]; most = counts[n_counts]
    if (!((mode, "postern", most) in times)) return
    printf "\npostern, %s:\n", mode
    aim("CPU per device, against bare-client, " most " devices", \
        ratio(gross(mode, "postern", most), gross(mode, "bare-client", most)), mode == "tls" ? "<= 1.5" : "<= 2")
    if (most > least) {
        aim("CPU per device at " most " against " least " devices", \
            ratio(gross(mode, "postern", most), gross(mode, "postern", least)), "<= 1.15")
        aim("the same without the start of the program", \
            ratio(net(mode, "postern", most), net(mode, "postern", least)), "<= 1.15")
    }
    aim("MiB at " wide " devices at the same time", sprintf("%.1f", wide_memory[mode]), "< 64")
    key = mode SUBSEP "postern" SUBSEP most
    aim("connections per device", sprintf("%.3f", connections[key] / ok_or_one(key)), "1")
    aim("logins per device", sprintf("%.3f", logins[key] / ok_or_one(key)), "1")
}

END {
    for (i = 1; i <= n_rows; i++) {
        split(rows[i], part, SUBSEP)
        if (part[2] == "bare-client") { spread(rows[i]); bare_middle[part[1], part[3]] = middle }
    }
    printf "\nmicroseconds of CPU per device: median, lowest and highest round; net: without the start of the program\n"
    printf "%-6s %7s %-12s %8s %8s %8s %8s %8s %8s %9s %9s %9s %8s %8s\n", "", "devices", "client", "CPU us", "lowest", \
        "highest", "x bare", "net us", "x bare", "devices/s", "RSS KiB", "ok", "conn/dev", "login/dev"
    for (m = 1; m <= n_modes; m++)
        for (c = 1; c <= n_counts; c++)
            for (i = 1; i <= n_rows; i++) {
                split(rows[i], part, SUBSEP)
                if (part[1] == modes[m] && part[3] == counts[c] && part[3] > 1) print_row(part[1], part[2], part[3])
            }
    printf "\nwith %d devices at the same time, one run each\n", wide
    printf "%-6s %7s %-12s %9s %9s %9s %8s %8s\n%s", "", "devices", "client", "CPU us", "RSS MiB", "ok", "conn/dev", \
        "login/dev", wide_lines
    for (m = 1; m <= n_modes; m++) print_aims(modes[m])
}
