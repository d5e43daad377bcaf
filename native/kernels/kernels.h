// What the engine asks of the kernels. Each ISA fills one table of them; the best one that the processor runs is chosen at start.
#pragma once

#include <cstddef>
#include <cstdint>

#include "program/ops.h"
#include "program/threads.h"

namespace siglip {

// An operand. `data` is its first element; strides count elements, 0 broadcasts.
struct View {
  void *data;
  DType dtype;
  int32_t rank;
  int64_t shape[kMaxRank];
  int64_t strides[kMaxRank];
};

// c = activation(alpha · a·b + bias) + residual
struct Gemm {
  View a;            // [(batch, (batch,)) m, k], any strides
  View b;            // [(batch, (batch,)) k, n], any strides: a weight [out, in] has them swapped
  View c;            // [(batch, (batch,)) m, n], unit stride in n
  DType precision;   // what is multiplied: float32 or bfloat16; sums are always float32
  float alpha;       // 1 if there is none
  const View *bias;  // [n] float32, or null
  Activation activation;
  const View *residual;  // as c, or null; may be c itself
  const void *packed;    // b as B panels, from `pack`, or null
};

// out = softmax(scale · q·kᵀ + mask)·v, the softmax in float32; the scores are never all in memory at once.
struct Attention {
  View q, k, v, out;  // [batch, heads, length, size], any strides but the last, which is 1
  const View *mask;   // [batch, heads, queries, keys] float32, strides of 0 where it repeats, or null
  float scale;
  DType precision;
};

// An instruction of a fused elementwise kernel. Slots hold a tile of rows: a value for each element, or one for the row.
struct ElementwiseInstruction {
  int32_t op;       // ElementwiseOp
  int32_t to;       // slot; kStore, kStoreSum: index of the output
  int32_t a, b, c;  // slots; kLoad: a = index of the input; kConstant: a = the float's bits
};

// A fused elementwise kernel: a loop over `shape`, for each of whose dimensions every input and output has a stride (0 broadcasts).
// The last dimension is the row. kRowSum and kRowMax reduce the row. kStore writes each element, or one value a row if the output's
// last stride is 0. kStoreSum adds up over all dimensions where the output's stride is 0.
struct ElementwiseProgram {
  int32_t rank;
  int64_t shape[kMaxRank];
  int32_t input_count, output_count, slot_count, instruction_count;
  const View *inputs;   // float32, bfloat16, int32 or bool: slots are float32
  const View *outputs;  // float32, bfloat16 or bool
  const ElementwiseInstruction *instructions;
};

struct Kernels {
  const char *name;  // "amx", "avx512", "avx2", "portable"; WebAssembly: "simd", "relaxed-simd"
  bool bfloat16;     // multiplies bfloat16 in hardware
  void (*gemm)(const Gemm &, Threads &);
  size_t (*packed_bytes)(int64_t k, int64_t n, DType precision);
  void (*pack)(const View &b, DType precision, void *packed, Threads &);  // b: [k, n]
  void (*attention)(const Attention &, Threads &);
  void (*elementwise)(const ElementwiseProgram &, Threads &);
  void (*copy)(const View &from, const View &to, Threads &);  // equal shapes, any strides, converts the dtype
  void (*gather)(const View &table, const View &indices, const View &to, Threads &);         // [n, d], [r] int32 → [r, d]
  void (*segment_sum)(const View &values, const View &segments, const View &to, Threads &);  // [r, d], [r] int32 → [n, d]
};

// The tables; null where the build has none. Call their kernels only if the processor runs them (processor.h).
const Kernels *AmxKernels();
const Kernels *Avx512Kernels();
const Kernels *Avx2Kernels();
const Kernels *PortableKernels();

}  // namespace siglip
