/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * http.h - the HTTP client that devices get: one request after another over one kept connection.
 *
 * Its state lives with the device (Device.keeper), so that all runs on one device share one connection and one
 * login.
 */
#include <postern-plugin.h>

extern const PosternHttpSvc http_service;
