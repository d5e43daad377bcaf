// The enums of ops.def and their entries' names.
#pragma once

#include <cstddef>
#include <cstdint>

namespace siglip {

#define SIGLIP_LIMIT(name, text, value) constexpr int name = value;
#include "program/ops.def"

enum class DType : int32_t {
#define SIGLIP_DTYPE(name, text, bytes) name,
#include "program/ops.def"
};
constexpr const char *kDTypes[] = {
#define SIGLIP_DTYPE(name, text, bytes) text,
#include "program/ops.def"
};

enum class BufferKind : int32_t {
#define SIGLIP_BUFFER(name, text) name,
#include "program/ops.def"
};
constexpr const char *kBufferKinds[] = {
#define SIGLIP_BUFFER(name, text) text,
#include "program/ops.def"
};

enum class StepKind : int32_t {
#define SIGLIP_STEP(name, text) name,
#include "program/ops.def"
};
constexpr const char *kStepKinds[] = {
#define SIGLIP_STEP(name, text) text,
#include "program/ops.def"
};

enum class Activation : int32_t {
#define SIGLIP_ACTIVATION(name, text) name,
#include "program/ops.def"
};
constexpr const char *kActivations[] = {
#define SIGLIP_ACTIVATION(name, text) text,
#include "program/ops.def"
};

enum class ElementwiseOp : int32_t {
#define SIGLIP_OTHER(name, text, slots) name,
#define SIGLIP_UNARY(name, text, function) name,
#define SIGLIP_BINARY(name, text, function) name,
#define SIGLIP_TERNARY(name, text, function) name,
#include "program/ops.def"
};
constexpr const char *kElementwiseOps[] = {
#define SIGLIP_OTHER(name, text, slots) text,
#define SIGLIP_UNARY(name, text, function) text,
#define SIGLIP_BINARY(name, text, function) text,
#define SIGLIP_TERNARY(name, text, function) text,
#include "program/ops.def"
};
// How many slots an operation reads.
constexpr int kSlotsRead[] = {
#define SIGLIP_OTHER(name, text, slots) slots,
#define SIGLIP_UNARY(name, text, function) 1,
#define SIGLIP_BINARY(name, text, function) 2,
#define SIGLIP_TERNARY(name, text, function) 3,
#include "program/ops.def"
};

enum class AttributeKind : int32_t {
#define SIGLIP_ATTRIBUTE(name, text) name,
#include "program/ops.def"
};
constexpr const char *kAttributeKinds[] = {
#define SIGLIP_ATTRIBUTE(name, text) text,
#include "program/ops.def"
};

template <size_t kCount>
constexpr int CountOf(const char *const (&)[kCount]) {
  return static_cast<int>(kCount);
}

// static: each file keeps its own, compiled for its own processor.
static inline constexpr size_t SizeOf(DType dtype) { return dtype == DType::kBool ? 1 : dtype == DType::kBFloat16 ? 2 : 4; }

#define SIGLIP_DTYPE(name, text, bytes) static_assert(SizeOf(DType::name) == (bytes), text);
#include "program/ops.def"

}  // namespace siglip
