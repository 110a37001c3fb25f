/* SPDX-License-Identifier: Apache-2.0 */
#include "amt-advisories.h"

enum { PARTS = 4, RANGES = 7 };

/* From this version on, and below that one, which has the fix. */
typedef struct {
    const char *from, *fixed;
} Range;

typedef struct {
    const char *id, *severity, *summary;
    Range ranges[RANGES]; /* a NULL ends them */
} Row;

/* The ranges are those that the advisories' CVE texts state for AMT or CSME. Generations that Intel no longer mended then are not
 * here: amt.security.report says of them that they get nothing any more. */
/* clang-format off */
static const Row table[] = {
    {"INTEL-SA-00075", "high", "login without a password (CVE-2017-5689)",
     {{"6.0", "6.2.61.3535"}, {"7.0", "7.1.91.3272"}, {"8.0", "8.1.71.3608"}, {"9.0", "9.1.41.3024"}, {"9.5", "9.5.61.3012"},
      {"10.0", "10.0.55.3000"}, {"11.0", "11.6.27.3264"}}},
    {"INTEL-SA-00086", "high", "foreign code in the engine (CVE-2017-5705 to 5712)",
     {{"11.0", "11.8.50.3425"}, {"11.10", "11.11.50.1422"}, {"11.20", "11.21.50.1424"}}},
    {"INTEL-SA-00112", "high", "buffer overflow in the web server (CVE-2018-3628, 3629, 3632)",
     {{"11.0", "11.8"}, {"11.10", "11.11"}, {"11.20", "11.21"}}},
    {"INTEL-SA-00141", "high", "TLS keys by a side channel, buffer overflows (CVE-2018-3616, 3657, 3658)",
     {{"11.0", "11.8.55"}, {"11.10", "11.11.55"}, {"11.20", "11.21.55"}, {"12.0", "12.0.5"}}},
    {"INTEL-SA-00185", "high", "input that is not checked (CVE-2018-12185 to 12208)",
     {{"11.0", "11.8.60"}, {"11.10", "11.11.60"}, {"11.20", "11.22.60"}, {"12.0", "12.0.20"}}},
    {"INTEL-SA-00213", "high", "rights gained over the network (CVE-2019-0086 to 0099)",
     {{"11.0", "11.8.65"}, {"11.10", "11.11.65"}, {"11.20", "11.22.65"}, {"12.0", "12.0.35"}}},
    {"INTEL-SA-00241", "high", "logic and input errors in AMT (CVE-2019-11131, 11132, 11107)",
     {{"11.0", "11.8.70"}, {"11.10", "11.11.70"}, {"11.20", "11.22.70"}, {"12.0", "12.0.45"}}},
    {"INTEL-SA-00295", "high", "memory errors in the IPv6 code (CVE-2020-0594 to 0597)",
     {{"11.0", "11.8.77"}, {"11.10", "11.12.77"}, {"11.20", "11.22.77"}, {"12.0", "12.0.64"}, {"14.0", "14.0.33"}}},
    {"INTEL-SA-00391", "high", "write out of bounds in the IPv6 code (CVE-2020-8752)",
     {{"11.0", "11.8.80"}, {"11.10", "11.12.80"}, {"11.20", "11.22.80"}, {"12.0", "12.0.70"}, {"14.0", "14.0.45"}}},
    {"INTEL-SA-00404", "high", "rights gained over the network of a device that is set up (CVE-2020-8758)",
     {{"11.0", "11.8.79"}, {"11.10", "11.12.79"}, {"11.20", "11.22.79"}, {"12.0", "12.0.68"}, {"14.0", "14.0.39"}}},
    {"INTEL-SA-00459", "medium", "rights gained by who is on the machine (CVE-2020-8703)",
     {{"11.0", "11.8.86"}, {"11.10", "11.12.86"}, {"11.20", "11.22.86"}, {"12.0", "12.0.81"}, {"13.0", "13.0.47"}, {"14.0", "14.1.53"},
      {"15.0", "15.0.22"}}},
};
/* clang-format on */

/* Up to four numbers with dots between them. */
static gboolean
parse(const char *text, guint64 parts[PARTS])
{
    g_auto(GStrv) words = g_strsplit(text != NULL ? text : "", ".", PARTS + 1);

    for (guint i = 0; i < PARTS; i++)
        parts[i] = 0;
    for (guint i = 0; words[i] != NULL; i++)
        if (i >= PARTS ||
            !g_ascii_string_to_unsigned(words[i], 10, 0, G_MAXUINT32, &parts[i], NULL))
            return FALSE;
    return words[0] != NULL;
}

gboolean
amt_version_compare(const char *a, const char *b, gint *order)
{
    guint64 left[PARTS], right[PARTS];

    *order = 0;
    if (!parse(a, left) || !parse(b, right))
        return FALSE;
    for (guint i = 0; i < PARTS && *order == 0; i++)
        *order = left[i] < right[i] ? -1 : left[i] > right[i];
    return TRUE;
}

static gboolean
is_below(const char *a, const char *b)
{
    gint order;

    return amt_version_compare(a, b, &order) && order < 0;
}

/* The last range that begins at or below `version` is that of its branch. */
static const char *
fix_for(const Row *row, const char *version)
{
    const char *fixed = NULL;
    gint order;

    for (guint i = 0; i < RANGES && row->ranges[i].from != NULL; i++)
        if (amt_version_compare(row->ranges[i].from, version, &order) && order <= 0)
            fixed = row->ranges[i].fixed;
    return fixed != NULL && is_below(version, fixed) ? fixed : NULL;
}

GArray *
amt_advisories_for(const char *version)
{
    GArray *found = g_array_new(FALSE, FALSE, sizeof(AmtAdvisory));

    for (guint i = 0; i < G_N_ELEMENTS(table); i++) {
        const char *fixed = fix_for(&table[i], version);
        AmtAdvisory one = {table[i].id, table[i].summary, table[i].severity, fixed};
        if (fixed != NULL)
            g_array_append_val(found, one);
    }
    return found;
}
