// `run`, `start`, `finish` and `profile` of the addon.
#pragma once

#include <node_api.h>

#include "napi/instance.h"

namespace siglip {

napi_value RunNow(napi_env env, napi_callback_info info);
napi_value Start(napi_env env, napi_callback_info info);
napi_value Finish(napi_env env, napi_callback_info info);
napi_value Profile(napi_env env, napi_callback_info info);

// JavaScript ends: what waits is not run.
void ForgetRuns(Instance &instance);

}  // namespace siglip
