// Functions for JavaScript that throw C++'s exceptions as JavaScript's: a RangeError for the caller's values, else an Error. Where
// memory runs out its code is ERR_MEMORY. The fields of program/errors.h are the error's.
#pragma once

#include <node_api.h>

#include <exception>

namespace siglip {

// Throws in JavaScript, unless an exception is pending there.
void Throw(napi_env env, const std::exception &error);

template <napi_value (*function)(napi_env, napi_callback_info)>
napi_value Guarded(napi_env env, napi_callback_info info) {
  try {
    return function(env, info);
  } catch (const std::exception &error) {
    Throw(env, error);
    return nullptr;
  }
}

// A method as `napi_define_properties` and `napi_define_class` take it.
napi_property_descriptor Method(const char *name, napi_callback call);

}  // namespace siglip
