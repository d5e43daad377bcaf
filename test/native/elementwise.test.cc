// Fused elementwise kernels: each operation of ops.def against C's functions, then random programs against their instructions one
// after another, with sums and reductions.
#include "arrays.h"

namespace {

using siglip::DType;
using siglip::ElementwiseInstruction;
using siglip::ElementwiseOp;
using siglip::ElementwiseProgram;
using siglip::Kernels;
using siglip::Threads;
using test::Array;

double Expected(ElementwiseOp op, double a, double b, double c) {
  switch (op) {
    case ElementwiseOp::kNegative: return -a;
    case ElementwiseOp::kAbs: return std::fabs(a);
    case ElementwiseOp::kSign: return a != a ? a : a > 0 ? 1 : a < 0 ? -1 : 0;
    case ElementwiseOp::kSquare: return a * a;
    case ElementwiseOp::kSqrt: return std::sqrt(a);
    case ElementwiseOp::kRsqrt: return 1 / std::sqrt(a);
    case ElementwiseOp::kReciprocal: return 1 / a;
    case ElementwiseOp::kExp: return std::exp(a);
    case ElementwiseOp::kExpm1: return std::expm1(a);
    case ElementwiseOp::kLog: return std::log(a);
    case ElementwiseOp::kLog1p: return std::log1p(a);
    case ElementwiseOp::kTanh: return std::tanh(a);
    case ElementwiseOp::kErf: return std::erf(a);
    case ElementwiseOp::kSigmoid: return 1 / (1 + std::exp(-a));
    case ElementwiseOp::kSoftplus: return a > 0 ? a + std::log1p(std::exp(-a)) : std::log1p(std::exp(a));
    case ElementwiseOp::kRelu: return a <= 0 ? 0 : a;
    case ElementwiseOp::kFloor: return std::floor(a);
    case ElementwiseOp::kCeil: return std::ceil(a);
    case ElementwiseOp::kRound: return std::nearbyint(a);
    case ElementwiseOp::kIsNan: return a != a;
    case ElementwiseOp::kNot: return a == 0;
    case ElementwiseOp::kAdd: return a + b;
    case ElementwiseOp::kSubtract: return a - b;
    case ElementwiseOp::kMultiply: return a * b;
    case ElementwiseOp::kDivide: return a / b;
    case ElementwiseOp::kPower: return std::pow(a, b);
    case ElementwiseOp::kMinimum: return a != a || b != b ? NAN : std::fmin(a, b);
    case ElementwiseOp::kMaximum: return a != a || b != b ? NAN : std::fmax(a, b);
    case ElementwiseOp::kSquaredDifference: return (a - b) * (a - b);
    case ElementwiseOp::kEqual: return a == b;
    case ElementwiseOp::kNotEqual: return a != b;
    case ElementwiseOp::kLess: return a < b;
    case ElementwiseOp::kLessEqual: return a <= b;
    case ElementwiseOp::kGreater: return a > b;
    case ElementwiseOp::kGreaterEqual: return a >= b;
    case ElementwiseOp::kAnd: return a != 0 && b != 0;
    case ElementwiseOp::kOr: return a != 0 || b != 0;
    case ElementwiseOp::kSelect: return a != 0 ? b : c;
    case ElementwiseOp::kMultiplyAdd: return a * b + c;
    case ElementwiseOp::kLoad:
    case ElementwiseOp::kConstant:
    case ElementwiseOp::kStore:
    case ElementwiseOp::kStoreSum:
    case ElementwiseOp::kRowSum:
    case ElementwiseOp::kRowMax: break;
  }
  std::abort();
}

ElementwiseInstruction Instruction(ElementwiseOp op, int32_t to, int32_t a = 0, int32_t b = 0, int32_t c = 0) {
  return {static_cast<int32_t>(op), to, a, b, c};
}

void Run(const Kernels &kernels, const std::vector<int64_t> &shape, const std::vector<const Array *> &inputs,
         const std::vector<const Array *> &outputs, int32_t slots, const std::vector<ElementwiseInstruction> &instructions,
         Threads &threads) {
  std::vector<siglip::View> in, out;
  for (const Array *array : inputs) in.push_back(array->view());
  for (const Array *array : outputs) out.push_back(array->view());
  ElementwiseProgram program{};
  program.rank = static_cast<int32_t>(shape.size());
  std::copy(shape.begin(), shape.end(), program.shape);
  program.input_count = static_cast<int32_t>(in.size());
  program.output_count = static_cast<int32_t>(out.size());
  program.slot_count = slots;
  program.instruction_count = static_cast<int32_t>(instructions.size());
  program.inputs = in.data();
  program.outputs = out.data();
  program.instructions = instructions.data();
  kernels.elementwise(program, threads);
}

constexpr int kFirstElementwise = static_cast<int>(ElementwiseOp::kNegative);

// 3 units in the last place of a float, and what a denormal's are.
double Tolerance(double expected) { return 3 * 1.2e-7 * std::fabs(expected) + 3e-45; }

bool IsDenormal(float v) {
  uint32_t bits;
  std::memcpy(&bits, &v, 4);
  return (bits & 0x7f800000) == 0 && (bits & 0x7fffff) != 0;
}

TEST(EachOperation) {
  Threads threads(1);
  const float special[] = {0.0f,     -0.0f,     1.0f, -1.0f, 0.5f,   -0.5f,   1e-40f,     -1e-40f, 1e-30f, 3e38f, -3e38f,
                           INFINITY, -INFINITY, NAN,  88.7f, -87.3f, -103.9f, 8388607.5f, 2.5f,    -2.5f,  1e10f, 0.93f};
  test::OnEachIsa([&](const Kernels &kernels) {
    for (int op = kFirstElementwise; op < siglip::CountOf(siglip::kElementwiseOps); op++) {
      test::Random random(static_cast<uint64_t>(op));
      const int64_t count = 22 * 22 + 13;
      Array x[3] = {Array::Dense(DType::kFloat32, {count}), Array::Dense(DType::kFloat32, {count}),
                    Array::Dense(DType::kFloat32, {count})};
      Array out = Array::Dense(DType::kFloat32, {count});
      for (Array &array : x) array.Fill([&] { return random.Value() * 4; });
      for (int64_t i = 0; i < 22 * 22; i++)
        x[0].Set(i, special[i % 22]), x[1].Set(i, special[i / 22]), x[2].Set(i, special[(i + i / 22) % 22]);
      const auto kind = static_cast<ElementwiseOp>(op);
      Run(kernels, {count}, {&x[0], &x[1], &x[2]}, {&out}, 4,
          {Instruction(ElementwiseOp::kLoad, 0, 0), Instruction(ElementwiseOp::kLoad, 1, 1),
           Instruction(ElementwiseOp::kLoad, 2, 2), Instruction(kind, 3, 0, 1, 2), Instruction(ElementwiseOp::kStore, 0, 3)},
          threads);
      for (int64_t i = 0; i < count; i++) {
        const double a = x[0][i], b = x[1][i], c = x[2][i];
        test::Context() = std::string(kernels.name) + " " + siglip::kElementwiseOps[op] + " of " + std::to_string(a) + ", " +
                          std::to_string(b) + ", " + std::to_string(c);
        const double exact = Expected(kind, a, b, c), expected = static_cast<float>(exact);
        // Where a·b + c is rounded twice, what cancels is as wrong as the product; a difference's square as its own rounding.
        const double extra = kind == ElementwiseOp::kMultiplyAdd ? 1.2e-7 * std::fabs(a * b) : 0;
        // C's power looks at the bits of a denormal, which is zero to all else.
        if (kind == ElementwiseOp::kPower && (IsDenormal(x[0][i]) || IsDenormal(x[1][i]))) continue;
        if (kind == ElementwiseOp::kMultiplyAdd && std::fabs(a * b) > 3.4e38) continue;  // infinite, or not if rounded once
        CHECK_WITH(test::Near(out[i], expected, Tolerance(expected) + extra), test::Found(out[i], expected));
      }
    }
  });
}

// Instructions of random programs, worked out one by one in float.
struct Reference {
  const std::vector<int64_t> &shape;
  std::vector<std::vector<float>> slots;
  int64_t count, columns;

  Reference(const std::vector<int64_t> &shape, int32_t slot_count) : shape(shape), count(1) {
    for (const int64_t size : shape) count *= size;
    columns = shape.back();
    slots.resize(static_cast<size_t>(slot_count), std::vector<float>(static_cast<size_t>(count)));
  }

  void Reduce(const ElementwiseInstruction &instruction) {
    const std::vector<float> from = slots[static_cast<size_t>(instruction.a)];
    for (int64_t row = 0; row < count / columns; row++) {
      double result = instruction.op == static_cast<int32_t>(ElementwiseOp::kRowSum) ? 0 : -INFINITY;
      for (int64_t i = row * columns; i < (row + 1) * columns; i++) {
        const double value = from[static_cast<size_t>(i)];
        result = instruction.op == static_cast<int32_t>(ElementwiseOp::kRowSum) ? result + value : std::fmax(result, value);
      }
      for (int64_t i = row * columns; i < (row + 1) * columns; i++) {
        slots[static_cast<size_t>(instruction.to)][static_cast<size_t>(i)] = static_cast<float>(result);
      }
    }
  }

  void Compute(const ElementwiseInstruction &instruction) {
    const auto op = static_cast<ElementwiseOp>(instruction.op);
    std::vector<float> result;
    for (size_t i = 0; i < static_cast<size_t>(count); i++) {
      const auto at = [&](int32_t slot) { return static_cast<double>(slots[static_cast<size_t>(slot)][i]); };
      result.push_back(static_cast<float>(Expected(op, at(instruction.a), at(instruction.b), at(instruction.c))));
    }
    slots[static_cast<size_t>(instruction.to)] = result;
  }
};

void RandomProgram(const Kernels &kernels, test::Random &random, Threads &threads) {
  std::vector<int64_t> shape;
  const int64_t sizes[] = {1, 1, 2, 3, 5, 7, 8, 16, 17, 33, 100}, columns[] = {1, 3, 8, 15, 16, 17, 64, 100, 257, 700, 3000};
  shape.push_back(random.Of(columns));
  int64_t count = shape[0];
  for (int64_t rank = random.Int(0, 3); rank > 0; rank--) {
    const int64_t size = random.Of(sizes);
    if (count * size > 30000) continue;
    shape.insert(shape.begin(), size);
    count *= size;
  }
  const size_t rank = shape.size();
  const auto order = [&] {
    std::vector<int> dimensions;
    for (size_t d = 0; d < rank; d++) dimensions.push_back(static_cast<int>(d));
    if (random.Chance(3)) std::swap(dimensions[0], dimensions[rank - 1]);
    return dimensions;
  };
  const auto some = [&](int one_in) {
    std::vector<bool> repeated;
    for (size_t d = 0; d < rank; d++) repeated.push_back(random.Chance(one_in));
    return repeated;
  };
  const DType types[] = {DType::kFloat32, DType::kFloat32, DType::kBFloat16, DType::kInt32, DType::kBool};
  std::vector<Array> inputs;
  for (int i = 0; i < 3; i++) {
    inputs.emplace_back(random.Of(types), shape, order(), random.Int(0, 2), some(4));
    inputs.back().FillRandom(random);
    if (inputs.back().view().dtype == DType::kInt32) inputs.back().Fill([&] { return static_cast<float>(random.Int(-3, 3)); });
  }
  // What stays of the size of its operands, so that rounding does, too.
  const ElementwiseOp tame[] = {ElementwiseOp::kNegative, ElementwiseOp::kAbs,     ElementwiseOp::kTanh,
                                ElementwiseOp::kSigmoid,  ElementwiseOp::kRelu,    ElementwiseOp::kAdd,
                                ElementwiseOp::kSubtract, ElementwiseOp::kMaximum, ElementwiseOp::kMinimum,
                                ElementwiseOp::kMultiply, ElementwiseOp::kSquare};
  std::vector<ElementwiseInstruction> code;
  for (int32_t i = 0; i < 3; i++) code.push_back(Instruction(ElementwiseOp::kLoad, i, i));
  float half = 0.5f;
  int32_t bits;
  std::memcpy(&bits, &half, 4);
  code.push_back(Instruction(ElementwiseOp::kConstant, 3, bits));
  int32_t slots = 4;
  const auto any = [&] { return static_cast<int32_t>(random.Int(0, slots - 1)); };
  for (int64_t steps = random.Int(1, 7); steps > 0; steps--, slots++) {
    const bool reduces = random.Chance(4);
    if (reduces) code.push_back(Instruction(random.Chance(2) ? ElementwiseOp::kRowMax : ElementwiseOp::kRowSum, slots, any()));
    else code.push_back(Instruction(random.Of(tame), slots, any(), any(), any()));
    if (reduces) {  // a mean: sums stay of the size of what they add up
      float share = 1.0f / static_cast<float>(shape.back());
      std::memcpy(&bits, &share, 4);
      code.push_back(Instruction(ElementwiseOp::kConstant, slots + 1, bits));
      code.push_back(Instruction(ElementwiseOp::kMultiply, slots + 2, slots, slots + 1));
      slots += 2;
    }
  }
  Array all(random.Chance(3) ? DType::kBFloat16 : DType::kFloat32, shape, order(), random.Int(0, 2));
  Array summed(DType::kFloat32, shape, order(), 0, some(2));
  const int32_t stored = any(), added = any();
  code.push_back(Instruction(ElementwiseOp::kStore, 0, stored));
  code.push_back(Instruction(ElementwiseOp::kStoreSum, 1, added));
  Run(kernels, shape, {&inputs[0], &inputs[1], &inputs[2]}, {&all, &summed}, slots, code, threads);

  Reference reference(shape, slots);
  for (const ElementwiseInstruction &instruction : code) {
    const auto op = static_cast<ElementwiseOp>(instruction.op);
    std::vector<float> &to = reference.slots[static_cast<size_t>(instruction.to)];
    if (op == ElementwiseOp::kLoad) {
      for (int64_t i = 0; i < reference.count; i++) to[static_cast<size_t>(i)] = inputs[static_cast<size_t>(instruction.a)][i];
    } else if (op == ElementwiseOp::kConstant) {
      float value;
      std::memcpy(&value, &instruction.a, 4);
      std::fill(to.begin(), to.end(), value);
    } else if (op == ElementwiseOp::kRowSum || op == ElementwiseOp::kRowMax) {
      reference.Reduce(instruction);
    } else if (op != ElementwiseOp::kStore && op != ElementwiseOp::kStoreSum) {
      reference.Compute(instruction);
    }
  }
  std::vector<double> sums(summed.bytes().size() / 4), sizes_of_sums(sums.size());
  for (int64_t i = 0; i < reference.count; i++) {
    const double expected = reference.slots[static_cast<size_t>(stored)][static_cast<size_t>(i)];
    const double tolerance =
        2e-4 * (1 + std::fabs(expected)) + (all.view().dtype == DType::kBFloat16 ? 0.004 * std::fabs(expected) : 0);
    CHECK_WITH(test::Near(all[i], expected, tolerance), test::Found(all[i], expected) + " at " + std::to_string(i));
    const double value = reference.slots[static_cast<size_t>(added)][static_cast<size_t>(i)];
    sums[static_cast<size_t>(summed.OffsetOf(i))] += value;
    sizes_of_sums[static_cast<size_t>(summed.OffsetOf(i))] += 1 + std::fabs(value);
  }
  for (int64_t i = 0; i < reference.count; i++) {
    const size_t at = static_cast<size_t>(summed.OffsetOf(i));
    CHECK_WITH(test::Near(summed[i], sums[at], 2e-4 * sizes_of_sums[at]),
               test::Found(summed[i], sums[at]) + " at " + std::to_string(i));
  }
}

TEST(RandomPrograms) {
  Threads one(1), three(3);
  test::OnEachIsa([&](const Kernels &kernels) {
    for (uint64_t seed = 1; seed <= 150; seed++) {
      test::Random random(seed);
      test::Context() = std::string(kernels.name) + " seed " + std::to_string(seed);
      RandomProgram(kernels, random, random.Chance(2) ? one : three);
    }
  });
}

}  // namespace
