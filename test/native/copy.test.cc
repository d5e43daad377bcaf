// Copies, gathers and sums of rows against loops over elements. Copies of one type keep every bit.
#include "arrays.h"

namespace {

using siglip::DType;
using siglip::Kernels;
using siglip::Threads;
using test::Array;

constexpr DType kTypes[] = {DType::kFloat32, DType::kBFloat16, DType::kInt32, DType::kBool};

std::vector<int> Order(test::Random &random, size_t rank) {
  std::vector<int> order;
  for (size_t d = 0; d < rank; d++) order.push_back(static_cast<int>(d));
  for (size_t d = rank; d > 1; d--) std::swap(order[d - 1], order[static_cast<size_t>(random.Int(0, static_cast<int64_t>(d) - 1))]);
  return order;
}

TEST(CopyOfAnyStrides) {
  Threads one(1), three(3);
  test::OnEachIsa([&](const Kernels &kernels) {
    const int64_t sizes[] = {1, 1, 2, 3, 5, 8, 17, 33, 40};
    for (uint64_t seed = 1; seed <= 300; seed++) {
      test::Random random(seed);
      test::Context() = std::string(kernels.name) + " seed " + std::to_string(seed);
      std::vector<int64_t> shape;
      int64_t count = 1;
      for (int64_t rank = random.Int(1, siglip::kMaxRank); rank > 0; rank--) {
        shape.push_back(count > 3000 ? random.Int(1, 2) : random.Of(sizes));
        count *= shape.back();
      }
      if (random.Chance(10)) shape = {random.Int(20000, 60000)};
      std::vector<bool> repeated;
      for (size_t d = 0; d < shape.size(); d++) repeated.push_back(random.Chance(5));
      const DType from_type = random.Of(kTypes), to_type = random.Chance(2) ? from_type : random.Of(kTypes);
      Array from(from_type, shape, Order(random, shape.size()), random.Int(0, 3), repeated);
      Array to(to_type, shape, Order(random, shape.size()), random.Int(0, 3));
      from.FillRandom(random);
      to.FillBytes(0x55);
      Array expected = to;
      for (int64_t i = 0; i < from.count(); i++) expected.Set(i, from[i]);
      kernels.copy(from.view(), to.view(), random.Chance(2) ? one : three);
      CHECK(to.bytes() == expected.bytes());  // what lies between the elements is not touched
    }
  });
}

TEST(GatherOfRows) {
  Threads one(1), three(3);
  test::OnEachIsa([&](const Kernels &kernels) {
    for (uint64_t seed = 1; seed <= 60; seed++) {
      test::Random random(seed);
      test::Context() = std::string(kernels.name) + " seed " + std::to_string(seed);
      const int64_t n = random.Int(1, 40), d = random.Int(1, 70), r = random.Int(1, random.Chance(4) ? 400 : 20);
      Array table(random.Of(kTypes), {n, d}, Order(random, 2), random.Int(0, 3));
      Array indices(DType::kInt32, {r}, {0});
      Array to(random.Chance(2) ? table.view().dtype : DType::kFloat32, {r, d}, Order(random, 2), random.Int(0, 3));
      table.FillRandom(random);
      indices.Fill([&] { return static_cast<float>(random.Int(-2, n + 1)); });
      kernels.gather(table.view(), indices.view(), to.view(), random.Chance(2) ? one : three);
      for (int64_t i = 0; i < r * d; i++) {
        const int64_t row = static_cast<int64_t>(indices[i / d]);
        const float expected = row < 0 || row >= n ? 0 : table[row * d + i % d];
        CHECK_WITH(to[i] == expected, test::Found(to[i], expected));
      }
    }
  });
}

TEST(SegmentSums) {
  Threads one(1), three(3);
  test::OnEachIsa([&](const Kernels &kernels) {
    for (uint64_t seed = 1; seed <= 60; seed++) {
      test::Random random(seed);
      test::Context() = std::string(kernels.name) + " seed " + std::to_string(seed);
      const int64_t n = random.Int(1, 20), d = random.Int(1, 1200), r = random.Int(1, 60);
      Array values(random.Chance(2) ? DType::kFloat32 : DType::kBFloat16, {r, d}, Order(random, 2), random.Int(0, 3));
      Array segments(DType::kInt32, {r}, {0});
      Array to(random.Chance(2) ? DType::kFloat32 : DType::kBFloat16, {n, d}, Order(random, 2), random.Int(0, 3));
      values.FillRandom(random);
      segments.Fill([&] { return static_cast<float>(random.Int(-1, n)); });
      kernels.segment_sum(values.view(), segments.view(), to.view(), random.Chance(2) ? one : three);
      for (int64_t i = 0; i < n * d; i++) {
        double expected = 0, size = 0;
        for (int64_t row = 0; row < r; row++) {
          if (static_cast<int64_t>(segments[row]) != i / d) continue;
          expected += values[row * d + i % d];
          size += std::fabs(values[row * d + i % d]);
        }
        const double tolerance =
            6e-8 * static_cast<double>(r) * size + (to.view().dtype == DType::kBFloat16 ? 0.004 * std::fabs(expected) : 0);
        CHECK_WITH(test::Near(to[i], expected, tolerance), test::Found(to[i], expected));
      }
    }
  });
}

}  // namespace
