/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * fuzz.h - what every fuzz target needs.
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
