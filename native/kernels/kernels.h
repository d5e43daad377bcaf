// What the engine asks of the kernels. Each instruction set fills one table of them; the best one that the processor
// runs is chosen when the addon loads.
#pragma once

#include <cstddef>
#include <cstdint>

#include "program/threads.h"

namespace siglip {

enum class DType : int32_t { kFloat32 = 0, kBFloat16 = 1, kInt32 = 2, kBool = 3 };

// static: each file keeps its own, compiled for its own processor.
static inline size_t SizeOf(DType dtype) { return dtype == DType::kBool ? 1 : dtype == DType::kBFloat16 ? 2 : 4; }

constexpr int kMaxRank = 6;

// An operand: `data` points at its first element. Strides count elements; 0 repeats what lies there (broadcasting).
struct View {
  void *data;
  DType dtype;
  int32_t rank;
  int64_t shape[kMaxRank];
  int64_t strides[kMaxRank];
};

enum class Activation : int32_t { kNone = 0, kGeluTanh = 1, kGelu = 2, kRelu = 3, kSilu = 4, kQuickGelu = 5 };

// c = activation(alpha · a·b + bias) + residual
struct Product {
  View a;                    // [(batch, (batch,)) m, k], any strides
  View b;                    // [(batch, (batch,)) k, n], any strides: a weight kept as [out, in] comes with its strides swapped
  View c;                    // [(batch, (batch,)) m, n], unit stride in n
  DType precision;           // what is multiplied: float32 or bfloat16; sums are always float32
  float alpha;               // 1 if there is none
  const View *bias;          // [n] float32, or null
  Activation activation;
  const View *residual;      // as c, or null; may be c itself
  const void *packed;        // b as `pack` has laid it out, or null
};

// out = softmax(scale · q·kᵀ + mask)·v, the softmax in float32; the scores are never all in memory at once.
struct Attention {
  View q, k, v, out;         // [batch, heads, length, size], any strides but the last, which is 1
  const View *mask;          // [batch, heads, queries, keys] float32, strides of 0 where it repeats, or null
  float scale;
  DType precision;
};

// An instruction of a row program. Slots hold a tile of rows: an element each, or one value for the row.
struct RowInstruction {
  int32_t op;                // RowOp
  int32_t to;                // slot (for kStore, kStoreSum: number of the output)
  int32_t a, b, c;           // slots; kLoad: a = number of the input; kConstant: a = the float's bits
};

// The loop runs over `shape`; every input and output has a stride for each of its dimensions (0: broadcast). The last
// dimension is the row. Reductions (kRowSum, kRowMax) go over the row. kStore writes each element (or, if the output's last
// stride is 0, one value a row); kStoreSum adds up over all dimensions where the output's stride is 0.
struct RowProgram {
  int32_t rank;
  int64_t shape[kMaxRank];
  int32_t input_count, output_count, slot_count, instruction_count;
  const View *inputs;        // float32, bfloat16, int32 or bool: slots are float32
  const View *outputs;       // float32, bfloat16 or bool
  const RowInstruction *instructions;
};

enum class RowOp : int32_t {
  kLoad, kConstant, kStore, kStoreSum,
  kRowSum, kRowMax,
  // unary: a
  kNegative, kAbs, kSign, kSquare, kSqrt, kRsqrt, kReciprocal, kExp, kExpm1, kLog, kLog1p, kTanh, kErf, kSigmoid, kSoftplus,
  kRelu, kFloor, kCeil, kRound, kIsNan, kNot,
  // binary: a, b
  kAdd, kSubtract, kMultiply, kDivide, kPower, kMinimum, kMaximum, kSquaredDifference,
  kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual, kAnd, kOr,   // 1 or 0
  // ternary: a ? b : c; a·b + c
  kSelect, kMultiplyAdd,
};

struct Kernels {
  const char *name;                                        // "amx", "avx512", "avx2", "portable"
  bool bfloat16;                                           // multiplies bfloat16 in hardware
  void (*product)(const Product &, Threads &);
  size_t (*packed_bytes)(int64_t k, int64_t n, DType precision);
  void (*pack)(const View &b, DType precision, void *packed, Threads &);   // b: [k, n]
  void (*attention)(const Attention &, Threads &);
  void (*rows)(const RowProgram &, Threads &);
  void (*copy)(const View &from, const View &to, Threads &);               // equal shapes, any strides, converts the dtype
  void (*gather)(const View &table, const View &indices, const View &to, Threads &);        // [n, d], [r] int32 → [r, d]
  void (*segment_sum)(const View &values, const View &segments, const View &to, Threads &); // [r, d], [r] int32 → [n, d]
};

// The tables; null where the build has none. Whether the processor runs them is asked before they are called.
const Kernels *AmxKernels();
const Kernels *Avx512Kernels();
const Kernels *Avx2Kernels();
const Kernels *PortableKernels();

}  // namespace siglip
