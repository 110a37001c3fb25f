/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * login-ask.h - the fields of a login, asked for at the terminal.
 */
#include "credential.h"

/* Ask for what a login of its type needs, and complete it. FALSE with CANCELLED when the person gave up, BAD_PARAM when what
 * was typed is no login. */
gboolean login_ask(PosternCredential *credential, GError **error);
