// The operations of fused elementwise kernels on a tile of rows, each a loop of its own.
#pragma once

#include "kernels/kernels.h"
#include "kernels/simd-math.h"

namespace siglip {
namespace SIGLIP_ISA {

// Values for the rows of a tile, `pitch` from one row to the next. A value that is the same along the row is there once a row.
struct Values {
  const float *data;
  int64_t pitch;
};

struct ElementLoop {
  float *to;
  int64_t to_pitch;
  Values a, b, c;
  int64_t rows, columns;
};

using ElementFunction = void (*)(const ElementLoop &);

// Reads a row, or one value for all of it.
template <bool kSame>
struct Reader {
  const float *from;
  Float same;
  explicit Reader(const Values &values, int64_t row) : from(values.data + row * values.pitch), same(Float{}) {
    if (kSame) same = Splat(*from);
  }
  Float At(int64_t i) const { return kSame ? same : Load(from + i); }
  Float PartAt(int64_t i, int64_t n) const { return kSame ? same : LoadPart(from + i, n); }
};

// Writes at(i) for the row's vectors, four at a time, and part_at(i, n) for what is left.
template <typename At, typename PartAt>
inline void ForRow(float *to, int64_t columns, const At &at, const PartAt &part_at) {
  int64_t i = 0;
  for (; i + 4 * kLanes <= columns; i += 4 * kLanes) {
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) Store(to + i + j * kLanes, at(i + j * kLanes));
  }
  for (; i + kLanes <= columns; i += kLanes) Store(to + i, at(i));
  const int64_t rest = columns - i;
  if (rest > 0) StorePart(to + i, rest, part_at(i, rest));
}

template <Float (*kFunction)(Float)>
void Unary(const ElementLoop &loop) {
  for (int64_t row = 0; row < loop.rows; row++) {
    const Reader<false> a(loop.a, row);
    ForRow(
        loop.to + row * loop.to_pitch, loop.columns, [&](int64_t i) { return kFunction(a.At(i)); },
        [&](int64_t i, int64_t n) { return kFunction(a.PartAt(i, n)); });
  }
}

template <Float (*kFunction)(Float, Float), bool kSameA, bool kSameB>
void Binary(const ElementLoop &loop) {
  for (int64_t row = 0; row < loop.rows; row++) {
    const Reader<kSameA> a(loop.a, row);
    const Reader<kSameB> b(loop.b, row);
    ForRow(
        loop.to + row * loop.to_pitch, loop.columns, [&](int64_t i) { return kFunction(a.At(i), b.At(i)); },
        [&](int64_t i, int64_t n) { return kFunction(a.PartAt(i, n), b.PartAt(i, n)); });
  }
}

template <Float (*kFunction)(Float, Float, Float), bool kSameA, bool kSameB, bool kSameC>
void Ternary(const ElementLoop &loop) {
  for (int64_t row = 0; row < loop.rows; row++) {
    const Reader<kSameA> a(loop.a, row);
    const Reader<kSameB> b(loop.b, row);
    const Reader<kSameC> c(loop.c, row);
    ForRow(
        loop.to + row * loop.to_pitch, loop.columns, [&](int64_t i) { return kFunction(a.At(i), b.At(i), c.At(i)); },
        [&](int64_t i, int64_t n) { return kFunction(a.PartAt(i, n), b.PartAt(i, n), c.PartAt(i, n)); });
  }
}

inline Float Truth(Int mask) { return AsFloat(mask & AsInt(Splat(1.0f))); }

inline Float Negative(Float a) { return -a; }
inline Float Sign(Float a) { return Select(a != a, a, Truth(a > 0.0f) - Truth(a < 0.0f)); }
inline Float Square(Float a) { return a * a; }
inline Float Reciprocal(Float a) { return 1.0f / a; }
inline Float Relu(Float a) { return Select(a <= 0.0f, Float{}, a); }
inline Float IsNan(Float a) { return Truth(a != a); }
inline Float Not(Float a) { return Truth(a == 0.0f); }
inline Float Add(Float a, Float b) { return a + b; }
inline Float Subtract(Float a, Float b) { return a - b; }
inline Float Multiply(Float a, Float b) { return a * b; }
inline Float Divide(Float a, Float b) { return a / b; }
inline Float SquaredDifference(Float a, Float b) { return (a - b) * (a - b); }
inline Float Equal(Float a, Float b) { return Truth(a == b); }
inline Float NotEqual(Float a, Float b) { return Truth(a != b); }
inline Float Less(Float a, Float b) { return Truth(a < b); }
inline Float LessEqual(Float a, Float b) { return Truth(a <= b); }
inline Float Greater(Float a, Float b) { return Truth(a > b); }
inline Float GreaterEqual(Float a, Float b) { return Truth(a >= b); }
inline Float And(Float a, Float b) { return Truth((a != 0.0f) & (b != 0.0f)); }
inline Float Or(Float a, Float b) { return Truth((a != 0.0f) | (b != 0.0f)); }
inline Float SelectByValue(Float a, Float b, Float c) { return Select(a != 0.0f, b, c); }

// At least one operand differs along the row: values of a row alone are computed for all rows side by side.
template <Float (*kFunction)(Float, Float)>
ElementFunction BinaryOf(bool same_a, bool same_b) {
  return same_a ? Binary<kFunction, true, false> : same_b ? Binary<kFunction, false, true> : Binary<kFunction, false, false>;
}

template <Float (*kFunction)(Float, Float, Float)>
ElementFunction TernaryOf(bool same_a, bool same_b, bool same_c) {
  if (same_a) {
    return same_b   ? Ternary<kFunction, true, true, false>
           : same_c ? Ternary<kFunction, true, false, true>
                    : Ternary<kFunction, true, false, false>;
  }
  if (same_b) return same_c ? Ternary<kFunction, false, true, true> : Ternary<kFunction, false, true, false>;
  return same_c ? Ternary<kFunction, false, false, true> : Ternary<kFunction, false, false, false>;
}

// Two operations in one loop: second(first(a, b), c), or second(c, first(a, b)). Each rounds as it does by itself.
template <Float (*kFirst)(Float, Float), Float (*kSecond)(Float, Float)>
inline Float Pair(Float a, Float b, Float c) {
  return kSecond(kFirst(a, b), c);
}
template <Float (*kFirst)(Float, Float)>
inline Float SubtractFrom(Float a, Float b, Float c) {
  return c - kFirst(a, b);
}

// The loop for two operations, or null. `swapped`: the first one's result is the second operand of the second one.
inline ElementFunction PairFunctionOf(ElementwiseOp first, ElementwiseOp second, bool swapped, bool a, bool b, bool c) {
  if (first == ElementwiseOp::kAdd) {
    if (second == ElementwiseOp::kAdd) return TernaryOf<Pair<Add, Add>>(a, b, c);
    if (second == ElementwiseOp::kMultiply) return TernaryOf<Pair<Add, Multiply>>(a, b, c);
    if (second == ElementwiseOp::kSubtract)
      return swapped ? TernaryOf<SubtractFrom<Add>>(a, b, c) : TernaryOf<Pair<Add, Subtract>>(a, b, c);
  } else if (first == ElementwiseOp::kSubtract) {
    if (second == ElementwiseOp::kAdd) return TernaryOf<Pair<Subtract, Add>>(a, b, c);
    if (second == ElementwiseOp::kMultiply) return TernaryOf<Pair<Subtract, Multiply>>(a, b, c);
    if (second == ElementwiseOp::kSubtract)
      return swapped ? TernaryOf<SubtractFrom<Subtract>>(a, b, c) : TernaryOf<Pair<Subtract, Subtract>>(a, b, c);
  } else if (first == ElementwiseOp::kMultiply) {
    if (second == ElementwiseOp::kAdd) return TernaryOf<Pair<Multiply, Add>>(a, b, c);
    if (second == ElementwiseOp::kMultiply) return TernaryOf<Pair<Multiply, Multiply>>(a, b, c);
    if (second == ElementwiseOp::kSubtract)
      return swapped ? TernaryOf<SubtractFrom<Multiply>>(a, b, c) : TernaryOf<Pair<Multiply, Subtract>>(a, b, c);
  }
  return nullptr;
}

// How many operands an operation has; 0 for those that are no loop over elements.
inline int OperandsOf(ElementwiseOp op) { return op >= ElementwiseOp::kNegative ? kSlotsRead[static_cast<int>(op)] : 0; }

inline ElementFunction ElementFunctionOf(ElementwiseOp op, bool a, bool b, bool c) {
  switch (op) {
// clang-format off
#define SIGLIP_UNARY(name, text, function) case ElementwiseOp::name: return Unary<function>;
#define SIGLIP_BINARY(name, text, function) case ElementwiseOp::name: return BinaryOf<function>(a, b);
#define SIGLIP_TERNARY(name, text, function) case ElementwiseOp::name: return TernaryOf<function>(a, b, c);
#include "program/ops.def"
    // clang-format on
    default: return nullptr;
  }
}

constexpr int64_t kTotalBlock = 64 * kLanes;

// `total` plus the sum of a row: short blocks in float32, then in double. A row in pieces of whole blocks has the same sum.
template <typename At>
double Total(double total, int64_t n, const At &at) {
  for (int64_t start = 0; start < n; start += kTotalBlock) {
    const int64_t end = n - start < kTotalBlock ? n : start + kTotalBlock;
    Float sum[4] = {};
    int64_t i = start;
    for (; i + 4 * kLanes <= end; i += 4 * kLanes)
      for (int j = 0; j < 4; j++) sum[j] += at(i + j * kLanes, kLanes);
    for (int j = 0; i < end; i += kLanes, j++) sum[j] += at(i, end - i);
    total += SumLanes((sum[0] + sum[1]) + (sum[2] + sum[3]));
  }
  return total;
}

inline Float LoadUpTo(const float *from, int64_t n) { return n >= kLanes ? Load(from) : LoadPart(from, n); }

inline double RowTotal(double total, const float *row, int64_t n) {
  return Total(total, n, [row](int64_t i, int64_t rest) { return LoadUpTo(row + i, rest); });
}

inline double RowDot(double total, const float *a, const float *b, int64_t n) {
  return Total(total, n, [a, b](int64_t i, int64_t rest) { return LoadUpTo(a + i, rest) * LoadUpTo(b + i, rest); });
}

inline float RowMaximum(const float *row, int64_t n) {
  Float max[2] = {Splat(-__builtin_inff()), Splat(-__builtin_inff())};
  int64_t i = 0;
  for (; i + 2 * kLanes <= n; i += 2 * kLanes) {
    max[0] = Maximum(Load(row + i), max[0]);
    max[1] = Maximum(Load(row + i + kLanes), max[1]);
  }
  for (; i + kLanes <= n; i += kLanes) max[0] = Maximum(Load(row + i), max[0]);
  float result = MaxLanes(Maximum(max[0], max[1]));
  for (; i < n; i++) result = row[i] > result || row[i] != row[i] ? row[i] : result;
  return result;
}

// Adds up a tile's columns, row after row.
inline void AddColumns(const Values &tile, int64_t rows, int64_t columns, double *sums) {
  constexpr int64_t kHalf = kLanes / 2;
  int64_t i = 0;
  for (; i + kLanes <= columns; i += kLanes) {
    HalfDouble low = LoadAs<HalfDouble>(sums + i), high = LoadAs<HalfDouble>(sums + i + kHalf);
    const float *from = tile.data + i;
    for (int64_t row = 0; row < rows; row++, from += tile.pitch) {
      low += __builtin_convertvector(LoadAs<HalfFloat>(from), HalfDouble);
      high += __builtin_convertvector(LoadAs<HalfFloat>(from + kHalf), HalfDouble);
    }
    StoreAs(sums + i, low);
    StoreAs(sums + i + kHalf, high);
  }
  for (; i < columns; i++) {
    for (int64_t row = 0; row < rows; row++) sums[i] += tile.data[row * tile.pitch + i];
  }
}

}  // namespace SIGLIP_ISA
}  // namespace siglip
