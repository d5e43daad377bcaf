// Products against a triple loop in double: all edges of the micro-tiles, layouts, epilogues, precisions and cuts.
#include "arrays.h"

namespace {

using siglip::Activation;
using siglip::DType;
using siglip::Gemm;
using siglip::Kernels;
using siglip::Threads;
using test::Array;

double Activated(Activation activation, double x) {
  switch (activation) {
    case Activation::kNone: return x;
    case Activation::kGeluTanh: return x * 0.5 * (1 + std::tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
    case Activation::kGelu: return x * 0.5 * (1 + std::erf(x * 0.7071067811865476));
    case Activation::kRelu: return x > 0 ? x : 0;
    case Activation::kSilu: return x / (1 + std::exp(-x));
    case Activation::kQuickGelu: return x / (1 + std::exp(-1.702 * x));
  }
  return NAN;
}

struct Options {
  int64_t m, n, k;
  std::vector<int64_t> batch;
  bool a_across = false, b_across = false;  // stored transposed
  DType a = DType::kFloat32, b = DType::kFloat32, c = DType::kFloat32, residual_type = DType::kFloat32;
  DType precision = DType::kFloat32;
  Activation activation = Activation::kNone;
  bool bias = false, residual = false, in_place = false, shared_b = false, packed = false;
  float alpha = 1;
};

std::vector<int64_t> With(const std::vector<int64_t> &batch, int64_t rows, int64_t columns) {
  std::vector<int64_t> shape = batch;
  shape.push_back(rows);
  shape.push_back(columns);
  return shape;
}

Array Matrix(DType dtype, const std::vector<int64_t> &shape, bool across, bool shared) {
  std::vector<int> order;
  std::vector<bool> repeated;
  const int rank = static_cast<int>(shape.size());
  for (int d = 0; d < rank; d++) {
    order.push_back(d);
    repeated.push_back(shared && d < rank - 2);
  }
  if (across) std::swap(order[static_cast<size_t>(rank - 1)], order[static_cast<size_t>(rank - 2)]);
  return Array(dtype, shape, order, 0, repeated);
}

Array Multiplied(const Kernels &kernels, const Options &x, const Array &a, const Array &b, const Array &bias, const Array &residual,
                 Threads &threads) {
  Array c = x.in_place ? residual : Array::Dense(x.c, With(x.batch, x.m, x.n), 3);
  Gemm gemm{};
  gemm.a = a.view();
  gemm.b = b.view();
  gemm.c = c.view();
  gemm.precision = x.precision;
  gemm.alpha = x.alpha;
  gemm.activation = x.activation;
  gemm.bias = x.bias ? &bias.view() : nullptr;
  gemm.residual = x.in_place ? &c.view() : x.residual ? &residual.view() : nullptr;
  std::vector<char> packed(x.packed ? kernels.packed_bytes(x.k, x.n, x.precision) + 64 : 0);
  if (packed.size() > 64) {
    void *const aligned = packed.data() + (64 - reinterpret_cast<uintptr_t>(packed.data()) % 64) % 64;
    kernels.pack(b.view(), x.precision, aligned, threads);
    gemm.packed = aligned;
  }
  kernels.gemm(gemm, threads);
  return c;
}

void Compare(const Kernels &kernels, const Options &x, test::Random &random, Threads &threads) {
  test::Context() = std::string(kernels.name) + " " + std::to_string(x.m) + "×" + std::to_string(x.n) + "×" + std::to_string(x.k) +
                    " activation " + siglip::kActivations[static_cast<int>(x.activation)] + " precision " +
                    siglip::kDTypes[static_cast<int>(x.precision)] + " threads " + std::to_string(threads.count());
  Array a = Matrix(x.a, With(x.batch, x.m, x.k), x.a_across, false);
  Array b = Matrix(x.b, With(x.batch, x.k, x.n), x.b_across, x.shared_b);
  Array bias = Array::Dense(DType::kFloat32, {x.n});
  Array residual = Array::Dense(x.in_place ? x.c : x.residual_type, With(x.batch, x.m, x.n), 5);
  for (Array *array : {&a, &b, &bias, &residual}) array->FillRandom(random);
  const Array c = Multiplied(kernels, x, a, b, bias, residual, threads);
  const bool rounds = x.precision == DType::kBFloat16;
  const auto factor = [&](const Array &array, int64_t index) {
    return static_cast<double>(rounds ? test::AsBf16(array[index]) : array[index]);
  };
  for (int64_t i = 0; i < c.count(); i++) {
    const int64_t matrix = i / (x.m * x.n), row = i / x.n % x.m, column = i % x.n;
    double sum = 0, size = 0;
    for (int64_t k = 0; k < x.k; k++) {
      const double product = factor(a, (matrix * x.m + row) * x.k + k) * factor(b, (matrix * x.k + k) * x.n + column);
      sum += product;
      size += std::fabs(product);
    }
    const double before = x.alpha * sum + (x.bias ? bias[column] : 0.0f);
    const double added = x.residual || x.in_place ? residual[i] : 0.0f;
    const double expected = Activated(x.activation, before) + added;
    // The sum's rounding, at most 1.2 times as large after the activation; then that of the epilogue and of c's type.
    const double epsilon = 6e-8;
    const double exact = 1.2 * epsilon * (static_cast<double>(x.k) + 2) * std::fabs(x.alpha) * size;
    const double stored =
        (x.c == DType::kBFloat16 ? 0.0040 : 8 * epsilon) * (std::fabs(expected) + std::fabs(before) + std::fabs(added));
    CHECK_WITH(test::Near(c[i], expected, exact + stored + 1e-30), test::Found(c[i], expected) + " at " + std::to_string(i));
  }
}

TEST(GemmOfRandomShapes) {
  Threads one(1), three(3);
  test::OnEachIsa([&](const Kernels &kernels) {
    test::Random random(1);
    const int64_t edges[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 14, 15, 16, 17, 24, 31, 32, 33, 47, 48, 63, 65};
    const DType floats[] = {DType::kFloat32, DType::kFloat32, DType::kBFloat16};
    for (int i = 0; i < 400; i++) {
      Options x{};
      x.m = random.Of(edges), x.n = random.Of(edges), x.k = random.Of(edges);
      if (random.Chance(3)) x.batch.push_back(random.Int(1, 3));
      if (random.Chance(6)) x.batch.push_back(random.Int(1, 3));
      x.a_across = random.Chance(2), x.b_across = random.Chance(2);
      x.a = random.Of(floats), x.b = random.Of(floats), x.c = random.Of(floats), x.residual_type = random.Of(floats);
      x.precision = random.Of(floats);
      x.activation = static_cast<Activation>(i % siglip::CountOf(siglip::kActivations));
      x.bias = random.Chance(2), x.residual = random.Chance(2), x.in_place = random.Chance(6);
      x.shared_b = random.Chance(4);
      x.packed = x.batch.empty() && random.Chance(2);
      x.alpha = random.Chance(2) ? 1 : random.Value();
      Compare(kernels, x, random, random.Chance(2) ? one : three);
    }
  });
}

// Sizes that reach each way to cut a product: claimed panels, k in parts, gradients of weights, many matrices, few rows.
TEST(GemmOfEachCut) {
  Threads three(3);
  test::OnEachIsa([&](const Kernels &kernels) {
    test::Random random(2);
    Options x{};
    const auto compare = [&](int64_t m, int64_t n, int64_t k, std::vector<int64_t> batch, bool a_across, bool b_across) {
      x.m = m, x.n = n, x.k = k, x.batch = std::move(batch), x.a_across = a_across, x.b_across = b_across;
      Compare(kernels, x, random, three);
    };
    for (const DType precision : {DType::kFloat32, DType::kBFloat16}) {
      x.precision = precision;
      x.bias = x.residual = precision == DType::kFloat32;
      compare(5, 700, 50, {}, false, true);  // claimed
      compare(300, 9, 800, {}, false, false);
      compare(40, 40, 2100, {}, true, false);  // far deeper than wide
      compare(20, 70, 3300, {}, false, false);
      compare(150, 130, 70, {}, true, true);
      compare(17, 19, 23, {13}, false, false);  // many matrices
      compare(17, 19, 23, {13}, true, true);
    }
  });
}

// A row has the same bits whatever rows are beside it, and on any number of threads.
TEST(GemmOfARowAlone) {
  Threads one(1), three(3);
  test::OnEachIsa([&](const Kernels &kernels) {
    test::Random random(3);
    for (int i = 0; i < 30; i++) {
      Options x{};
      x.m = random.Int(2, 70), x.n = random.Int(1, 90), x.k = random.Int(1, 1200);
      x.precision = random.Chance(2) ? DType::kFloat32 : DType::kBFloat16;
      test::Context() =
          std::string(kernels.name) + " " + std::to_string(x.m) + "×" + std::to_string(x.n) + "×" + std::to_string(x.k);
      Array a = Array::Dense(DType::kFloat32, {x.m, x.k}), b = Array::Dense(DType::kFloat32, {x.k, x.n}),
            none = Array::Dense(DType::kFloat32, {1});
      a.FillRandom(random);
      b.FillRandom(random);
      const Array all = Multiplied(kernels, x, a, b, none, none, three);
      const int64_t row = random.Int(0, x.m - 1);
      Array alone = Array::Dense(DType::kFloat32, {1, x.k});
      for (int64_t k = 0; k < x.k; k++) alone.Set(k, a[row * x.k + k]);
      Options y = x;
      y.m = 1;
      const Array single = Multiplied(kernels, y, alone, b, none, none, one);
      for (int64_t j = 0; j < x.n; j++) CHECK_WITH(single[j] == all[row * x.n + j], test::Found(single[j], all[row * x.n + j]));
    }
  });
}

}  // namespace
