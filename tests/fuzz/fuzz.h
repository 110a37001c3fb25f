/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * fuzz.h - what every fuzz target needs.
 *
 * A target ends the process when a promise of the parser's header is broken, not only when memory
 * is.
 */
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

/* End as a finding. abort(), because a fuzzer keeps the input only for signals that it knows. */
#define fuzz_demand(condition)                                                                     \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: this does not hold: %s\n", __FILE__, __LINE__, #condition);    \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* A parser that refuses says so with one error of the code its header names, in words that can be
 * printed. */
#define fuzz_demand_error(error, wanted)                                                           \
    do {                                                                                           \
        fuzz_demand((error) != NULL);                                                              \
        fuzz_demand(g_error_matches((error), POSTERN_ERROR, (wanted)));                            \
        fuzz_demand((error)->message[0] != '\0');                                                  \
        fuzz_demand(g_utf8_validate((error)->message, -1, NULL));                                  \
    } while (0)
