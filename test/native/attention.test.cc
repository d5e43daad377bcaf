// Attention against softmax(scale · q·kᵀ + mask)·v in double.
#include "arrays.h"

namespace {

using siglip::Attention;
using siglip::DType;
using siglip::Kernels;
using siglip::Threads;
using test::Array;

// [batch, heads, length, size], as views of [batch, length, heads, size] or dense.
Array Heads(DType dtype, int64_t batch, int64_t heads, int64_t length, int64_t size, bool split) {
  return Array(dtype, {batch, heads, length, size}, split ? std::vector<int>{0, 2, 1, 3} : std::vector<int>{0, 1, 2, 3},
               split ? 3 : 0);
}

void Compare(const Kernels &kernels, test::Random &random, Threads &threads, int64_t queries, int64_t keys, int64_t size,
             int64_t out_size) {
  const int64_t batch = random.Int(1, 2), heads = random.Int(1, 3);
  const DType floats[] = {DType::kFloat32, DType::kFloat32, DType::kBFloat16};
  const DType precision = random.Of(floats);
  const bool masks = random.Chance(2);
  test::Context() = std::string(kernels.name) + " queries " + std::to_string(queries) + " keys " + std::to_string(keys) + " size " +
                    std::to_string(size) + " precision " + siglip::kDTypes[static_cast<int>(precision)];
  Array q = Heads(random.Of(floats), batch, heads, queries, size, random.Chance(2));
  Array k = Heads(random.Of(floats), batch, heads, keys, size, random.Chance(2));
  Array v = Heads(random.Of(floats), batch, heads, keys, out_size, random.Chance(2));
  Array mask(DType::kFloat32, {batch, heads, queries, keys}, {0, 1, 2, 3}, 0, {false, true, random.Chance(2), false});
  Array out = Heads(random.Of(floats), batch, heads, queries, out_size, random.Chance(2));
  for (Array *array : {&q, &k, &v}) array->FillRandom(random);
  mask.Fill([&] { return random.Chance(3) ? -50.0f : random.Value(); });
  Attention attention{q.view(), k.view(), v.view(), out.view(), masks ? &mask.view() : nullptr, 0.3f, precision};
  kernels.attention(attention, threads);

  const bool rounds = precision == DType::kBFloat16;
  const auto factor = [&](const Array &array, int64_t index) {
    return static_cast<double>(rounds ? test::AsBf16(array[index]) : array[index]);
  };
  for (int64_t row = 0; row < batch * heads * queries; row++) {
    const int64_t head = row / queries;
    std::vector<double> scores;
    double largest = -INFINITY, sum = 0;
    for (int64_t key = 0; key < keys; key++) {
      double score = 0;
      for (int64_t i = 0; i < size; i++) score += factor(q, row * size + i) * factor(k, (head * keys + key) * size + i);
      scores.push_back(static_cast<double>(attention.scale) * score + (masks ? mask[row * keys + key] : 0.0f));
      largest = std::fmax(largest, scores.back());
    }
    for (double &score : scores) sum += score = std::exp(score - largest);
    for (int64_t i = 0; i < out_size; i++) {
      double expected = 0, most = 0;
      for (int64_t key = 0; key < keys; key++) {
        const double value = factor(v, (head * keys + key) * out_size + i);
        expected += scores[static_cast<size_t>(key)] / sum * value;
        most = std::fmax(most, std::fabs(value));
      }
      const double tolerance =
          most * (rounds ? 0.008 : 2e-5) + (out.view().dtype == DType::kBFloat16 ? 0.004 * std::fabs(expected) : 0);
      const double found = out[row * out_size + i];
      CHECK_WITH(test::Near(found, expected, tolerance),
                 test::Found(found, expected) + " at " + std::to_string(row * out_size + i));
    }
  }
}

TEST(AttentionOfRandomShapes) {
  Threads one(1), three(3);
  test::OnEachIsa([&](const Kernels &kernels) {
    test::Random random(4);
    const int64_t lengths[] = {1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 50, 64, 65, 130};
    const int64_t sizes[] = {1, 3, 8, 15, 16, 17, 32, 40};
    for (int i = 0; i < 80; i++) {
      Compare(kernels, random, random.Chance(2) ? one : three, random.Of(lengths), random.Of(lengths), random.Of(sizes),
              random.Of(sizes));
    }
  });
}

// However large the scores, the largest one has probability 1.
TEST(AttentionOfLargeScores) {
  Threads threads(1);
  test::OnEachIsa([&](const Kernels &kernels) {
    test::Context() = kernels.name;
    Array q = Array::Dense(DType::kFloat32, {1, 1, 5, 4}), k = Array::Dense(DType::kFloat32, {1, 1, 3, 4});
    Array v = Array::Dense(DType::kFloat32, {1, 1, 3, 4}), out = Array::Dense(DType::kFloat32, {1, 1, 5, 4});
    q.Fill([] { return 1e15f; });
    for (int64_t i = 0; i < 12; i++) k.Set(i, static_cast<float>(i / 4) * 1e15f), v.Set(i, static_cast<float>(i));
    kernels.attention({q.view(), k.view(), v.view(), out.view(), nullptr, 1, DType::kFloat32}, threads);
    for (int64_t i = 0; i < 20; i++)
      CHECK_WITH(out[i] == static_cast<float>(8 + i % 4), test::Found(out[i], static_cast<double>(8 + i % 4)));
  });
}

}  // namespace
