#include "napi/values.h"

namespace siglip {

void Check(napi_status status, const char *what) {
  if (status != napi_ok) Fail(std::string(what) + " is not what the engine takes");
}

int64_t ToInt(napi_env env, napi_value value, const char *what) {
  int64_t number;
  Check(napi_get_value_int64(env, value, &number), what);
  return number;
}

int32_t ToInt32(napi_env env, napi_value value, const char *what) {
  int32_t number;
  Check(napi_get_value_int32(env, value, &number), what);
  return number;
}

std::string ToText(napi_env env, napi_value value, const char *what) {
  size_t length;
  Check(napi_get_value_string_utf8(env, value, nullptr, 0, &length), what);
  std::string text(length, '\0');
  Check(napi_get_value_string_utf8(env, value, &text[0], length + 1, &length), what);
  return text;
}

std::vector<napi_value> Elements(napi_env env, napi_value array, const char *what) {
  uint32_t length;
  Check(napi_get_array_length(env, array, &length), what);
  std::vector<napi_value> elements(length);
  for (uint32_t i = 0; i < length; ++i) Check(napi_get_element(env, array, i, &elements[i]), what);
  return elements;
}

std::vector<int32_t> ToInt32s(napi_env env, napi_value array, const char *what) {
  std::vector<int32_t> numbers;
  for (const napi_value element : Elements(env, array, what)) numbers.push_back(ToInt32(env, element, what));
  return numbers;
}

std::vector<int64_t> ToInts(napi_env env, napi_value array, const char *what) {
  std::vector<int64_t> numbers;
  for (const napi_value element : Elements(env, array, what)) numbers.push_back(ToInt(env, element, what));
  return numbers;
}

napi_value Property(napi_env env, napi_value object, const char *name) {
  napi_value value;
  Check(napi_get_named_property(env, object, name, &value), name);
  return value;
}

TypedArray ToTypedArray(napi_env env, napi_value value, const char *what) {
  TypedArray array{};
  Check(napi_get_typedarray_info(env, value, &array.type, &array.length, &array.data, nullptr, nullptr), what);
  return array;
}

void *Untagged(napi_env env, napi_value value, const napi_type_tag &tag, const char *what) {
  bool right = false;
  void *data = nullptr;
  Check(napi_check_object_type_tag(env, value, &tag, &right), what);
  if (!right) Fail("this is not " + std::string(what));
  Check(napi_get_value_external(env, value, &data), what);
  return data;
}

napi_value Number(napi_env env, double number) {
  napi_value value;
  Check(napi_create_double(env, number, &value), "a number");
  return value;
}

napi_value Text(napi_env env, const char *text) {
  napi_value value;
  Check(napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value), "a text");
  return value;
}

napi_value Boolean(napi_env env, bool value) {
  napi_value boolean;
  Check(napi_get_boolean(env, value, &boolean), "a boolean");
  return boolean;
}

napi_value Null(napi_env env) {
  napi_value null;
  Check(napi_get_null(env, &null), "null");
  return null;
}

napi_value NewObject(napi_env env) {
  napi_value object;
  Check(napi_create_object(env, &object), "an object");
  return object;
}

void Set(napi_env env, napi_value object, const char *name, napi_value value) {
  Check(napi_set_named_property(env, object, name, value), name);
}

napi_value ShapeList(napi_env env, const std::vector<int64_t> &shape) {
  return List(env, shape, [env](int64_t size) { return Number(env, static_cast<double>(size)); });
}

}  // namespace siglip
