// JavaScript's values as C++'s and back. What is not as expected is a std::runtime_error that names it.
#pragma once

#include <node_api.h>

#include <cstdint>
#include <string>
#include <vector>

#include "program/errors.h"

namespace siglip {

// `what` was expected.
void Check(napi_status status, const char *what);

// The arguments of a call, all of which must be there.
template <size_t count>
struct Arguments {
  napi_value values[count];
  Arguments(napi_env env, napi_callback_info info) {
    size_t found = count;
    Check(napi_get_cb_info(env, info, &found, values, nullptr, nullptr), "a call");
    if (found < count) Fail("an argument is missing");
  }
  napi_value operator[](size_t index) const { return values[index]; }
};

int64_t ToInt(napi_env env, napi_value value, const char *what);
int32_t ToInt32(napi_env env, napi_value value, const char *what);
std::string ToText(napi_env env, napi_value value, const char *what);
std::vector<napi_value> Elements(napi_env env, napi_value array, const char *what);
std::vector<int32_t> ToInt32s(napi_env env, napi_value array, const char *what);
std::vector<int64_t> ToInts(napi_env env, napi_value array, const char *what);
napi_value Property(napi_env env, napi_value object, const char *name);

// Memory that stays JavaScript's.
struct TypedArray {
  napi_typedarray_type type;
  size_t length;
  void *data;
};
TypedArray ToTypedArray(napi_env env, napi_value value, const char *what);

// The pointer in an external value of this tag.
void *Untagged(napi_env env, napi_value value, const napi_type_tag &tag, const char *what);

napi_value Number(napi_env env, double number);
napi_value Text(napi_env env, const char *text);
napi_value Boolean(napi_env env, bool value);
napi_value Null(napi_env env);
napi_value NewObject(napi_env env);
void Set(napi_env env, napi_value object, const char *name, napi_value value);

template <typename Item, typename Make>
napi_value List(napi_env env, const std::vector<Item> &items, const Make &make) {
  napi_value list;
  Check(napi_create_array_with_length(env, items.size(), &list), "a list");
  for (size_t i = 0; i < items.size(); ++i) {
    Check(napi_set_element(env, list, static_cast<uint32_t>(i), make(items[i])), "a list");
  }
  return list;
}

napi_value ShapeList(napi_env env, const std::vector<int64_t> &shape);

}  // namespace siglip
