#include "napi/guarded.h"

#include <new>
#include <stdexcept>

#include "napi/values.h"
#include "program/errors.h"

namespace siglip {
namespace {

napi_value ErrorOf(napi_env env, const std::exception &error) {
  const bool is_range = dynamic_cast<const std::out_of_range *>(&error) != nullptr;
  const bool is_memory = dynamic_cast<const std::bad_alloc *>(&error) != nullptr;
  const napi_value code = is_memory ? Text(env, "ERR_MEMORY") : nullptr;
  const napi_value message = Text(env, is_memory ? "there is not enough memory" : error.what());
  napi_value made;
  Check((is_range ? napi_create_range_error : napi_create_error)(env, code, message, &made), "an error");
  if (const auto *bad = dynamic_cast<const BadValue *>(&error)) {
    Set(env, made, "expected", Text(env, bad->expected().c_str()));
    Set(env, made, "position", Number(env, static_cast<double>(bad->position())));
    Set(env, made, "value", Number(env, bad->value()));
  }
  if (const auto *memory = dynamic_cast<const OutOfMemory *>(&error)) {
    Set(env, made, "bytes", Number(env, static_cast<double>(memory->bytes())));
    Set(env, made, "halfWritten", Boolean(env, memory->half_written()));
  }
  return made;
}

}  // namespace

void Throw(napi_env env, const std::exception &error) {
  bool pending = false;
  if (napi_is_exception_pending(env, &pending) == napi_ok && pending) return;
  try {
    napi_throw(env, ErrorOf(env, error));
  } catch (const std::exception &) {
    napi_throw_error(env, nullptr, "the engine failed");
  }
}

napi_property_descriptor Method(const char *name, napi_callback call) {
  return {name, nullptr, call, nullptr, nullptr, nullptr, napi_default_method, nullptr};
}

}  // namespace siglip
