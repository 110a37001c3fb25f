/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * json-shape.h - a look at foreign JSON before a library reads it.
 *
 * The JSON library recurses without bound, takes comments and other quotes, in which that could be hidden, and loses the
 * first of several documents: look first that there is none of this.
 */
#include <glib.h>

enum { JSON_DEPTH_MOST = 8 };

/* Is it one object, nested at most JSON_DEPTH_MOST deep, and nothing else? BAD_PARAM names the byte. */
gboolean json_shape_check(const char *text, gsize length, GError **error);
