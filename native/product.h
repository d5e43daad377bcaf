// c = activation(alpha · a·b + bias) + residual, for all sizes, strides and instruction sets.
#pragma once

#include "product-finish.h"
#include "product-floats.h"
#include "product-plan.h"
#if defined(__AMX_BF16__) && defined(__AVX512BF16__)
#include "product-tiles.h"
#endif

namespace siglip {
namespace SIGLIP_ISA {

#if defined(__AMX_BF16__) && defined(__AVX512BF16__)
using BFloat16Blocks = TileBlocks;
constexpr bool kPacksWeights = true;
#else
using BFloat16Blocks = FloatBlocks<true>;
constexpr bool kPacksWeights = false;  // they would be as large as float32
#endif

// Elements from the start of `view` to that of the batch's matrix; dimensions that it lacks or has once repeat.
inline int64_t BatchOffset(const View &view, const View &c, int64_t index) {
  int64_t offset = 0;
  for (int32_t i = c.rank - 3; i >= 0; i--) {
    const int32_t own = i - (c.rank - view.rank);
    if (own >= 0 && view.shape[own] > 1) offset += index % c.shape[i] * view.strides[own];
    index /= c.shape[i];
  }
  return offset;
}

inline char *At(const View &view, int64_t offset) {
  return static_cast<char *>(view.data) + offset * static_cast<int64_t>(SizeOf(view.dtype));
}

inline Lines RowsOf(const View &view, int64_t offset) {
  const int32_t row = view.rank - 2, column = view.rank - 1;
  return {At(view, offset), view.dtype, view.shape[row], view.shape[column], view.strides[row], view.strides[column]};
}

inline Lines ColumnsOf(const View &view, int64_t offset) {
  const int32_t row = view.rank - 2, column = view.rank - 1;
  return {At(view, offset), view.dtype, view.shape[column], view.shape[row], view.strides[column], view.strides[row]};
}

inline Finish FinishOf(const Product &product, int64_t index) {
  const View &c = product.c;
  Finish finish{};
  finish.c = At(c, BatchOffset(c, c, index));
  finish.c_stride = c.strides[c.rank - 2];
  if (product.residual != nullptr) {
    const View &residual = *product.residual;
    finish.residual = At(residual, BatchOffset(residual, c, index));
    finish.residual_stride = residual.rank > 1 && residual.shape[residual.rank - 2] > 1 ? residual.strides[residual.rank - 2] : 0;
    finish.residual_step = residual.shape[residual.rank - 1] > 1 ? residual.strides[residual.rank - 1] : 0;
  }
  if (product.bias != nullptr) {
    finish.bias = static_cast<const float *>(product.bias->data);
    finish.bias_step = product.bias->shape[product.bias->rank - 1] > 1 ? product.bias->strides[product.bias->rank - 1] : 0;
  }
  finish.alpha = product.alpha;
  finish.rows = c.dtype == DType::kBFloat16 ? FinishWithActivation<DType::kBFloat16>(product.activation, product.residual)
                                            : FinishWithActivation<DType::kFloat32>(product.activation, product.residual);
  return finish;
}

// A panel holds kRows or kColumns lines, as deep as k is; those of a matrix lie one after the other.
template <typename Blocks>
void PackPanel(bool rows, const Lines &lines, int64_t panel, typename Blocks::Element *to) {
  if (rows) Blocks::PackRows(lines, panel * Blocks::kRows, 0, lines.depth, to);
  else Blocks::PackColumns(lines, panel * Blocks::kColumns, 0, lines.depth, to);
}

// A block's sums that are complete, but not yet finished: that is done a few rows at a time while the next block is
// multiplied, where multiplying leaves the other units idle.
struct Unfinished {
  const Finish *finish;
  int64_t stride;  // of the sums
  const float *sums = nullptr;
  int64_t row = 0, rows = 0, column = 0, columns = 0;

  void operator()(int64_t count) {
    if (rows == 0) return;
    count = AtMost(count, rows);
    (*finish)(sums, stride, row, count, column, columns);
    sums += count * stride, row += count, rows -= count;
  }
};

template <typename Blocks>
void MultiplyMatrices(const Product &product, Threads &threads) {
  using Element = typename Blocks::Element;
  constexpr int64_t kSize = sizeof(Element), kSums = Blocks::kRows * Blocks::kColumns;
  const View &a = product.a, &b = product.b, &c = product.c;
  const int64_t m = c.shape[c.rank - 2], n = c.shape[c.rank - 1], k = a.shape[a.rank - 1];
  int64_t batch = 1;
  for (int32_t i = 0; i < c.rank - 2; i++) batch *= c.shape[i];
  if (m * n * batch == 0) return;
  const ProductPlan plan = PlanProduct<Blocks>(m, n, k, batch, product.packed != nullptr, threads.count());
  const bool rows_reside = plan.rows_reside;
  const auto lines = [&](bool rows, int64_t index) {
    return rows ? RowsOf(a, BatchOffset(a, c, index)) : ColumnsOf(b, BatchOffset(b, c, index));
  };

  const int64_t resident_panel = (rows_reside ? Blocks::kRows : Blocks::kColumns) * plan.depth;
  const int64_t passing_width = rows_reside ? Blocks::kColumns : Blocks::kRows, passing_panel = passing_width * plan.depth;
  const int64_t passing_panels = rows_reside ? plan.column_panels : plan.row_panels;
  const Element *ready = static_cast<const Element *>(product.packed);
  if (plan.shared) {
    const int64_t panels = batch * passing_panels;
    Element *to = static_cast<Element *>(threads.Shared(static_cast<size_t>(panels * passing_panel * kSize)));
    ParallelFor(threads, panels, [&](int64_t panel, int) {
      const Lines passing = lines(!rows_reside, panel / passing_panels);
      PackPanel<Blocks>(!rows_reside, passing, panel % passing_panels, to + panel * passing_panel);
    });
    ready = to;
  }

  // In a thread's scratch: the resident panels, one that passes (if they aren't ready), the sums of all of a panel's blocks.
  const auto lines_of_cache = [](int64_t bytes) { return CeilDivide(bytes, 64) * 64; };
  const int64_t most_resident = rows_reside ? plan.task_rows : plan.task_columns;
  const int64_t passing_at = lines_of_cache(most_resident * resident_panel * kSize);
  const int64_t sums_at = passing_at + lines_of_cache(ready == nullptr ? passing_panel * kSize : 0);
  const int64_t sums_end = sums_at + (plan.slice < plan.depth ? most_resident : 1) * kSums * 4;

  ParallelFor(threads, plan.tasks(), [&](int64_t task, int thread) {
    const int64_t index = task / (plan.row_tasks * plan.column_tasks);
    const int64_t row = task / plan.column_tasks % plan.row_tasks * plan.task_rows;
    const int64_t column = task % plan.column_tasks * plan.task_columns;
    const int64_t row_end = AtMost(row + plan.task_rows, plan.row_panels);
    const int64_t column_end = AtMost(column + plan.task_columns, plan.column_panels);
    const int64_t first = rows_reside ? row : column, residents = (rows_reside ? row_end : column_end) - first;
    const Finish finish = FinishOf(product, index);

    char *scratch = static_cast<char *>(threads.Scratch(thread, static_cast<size_t>(sums_end)));
    Element *resident = reinterpret_cast<Element *>(scratch);
    Element *own_passing = reinterpret_cast<Element *>(scratch + passing_at);
    float *sums = reinterpret_cast<float *>(scratch + sums_at);
    const Lines resident_lines = lines(rows_reside, index), passing_lines = lines(!rows_reside, index);
    for (int64_t i = 0; i < residents; i++) {
      PackPanel<Blocks>(rows_reside, resident_lines, first + i, resident + i * resident_panel);
    }

    Unfinished unfinished{&finish, Blocks::kColumns};
    Blocks::Begin();
    for (int64_t j = rows_reside ? column : row, end = rows_reside ? column_end : row_end; j < end; j++) {
      const Element *passing = own_passing;
      if (product.packed != nullptr) passing = ready + j * passing_panel;
      else if (ready != nullptr) passing = ready + (index * passing_panels + j) * passing_panel;
      else PackPanel<Blocks>(!rows_reside, passing_lines, j, own_passing);
      int64_t k_start = 0;
      do {
        const int64_t depth = AtMost(plan.slice, plan.depth - k_start);
        const bool last = k_start + depth == plan.depth;
        const Element *slice = passing + k_start * passing_width;
        for (int64_t i = 0; i < residents; i++) {
          const int64_t at_row = (rows_reside ? first + i : j) * Blocks::kRows;
          const int64_t at_column = (rows_reside ? j : first + i) * Blocks::kColumns;
          const int64_t rows = AtMost(Blocks::kRows, m - at_row), columns = AtMost(Blocks::kColumns, n - at_column);
          const Element *own = resident + i * resident_panel + k_start * (resident_panel / AtLeast(1, plan.depth));
          float *block = sums + (plan.slice < plan.depth ? i : 0) * kSums;
          Blocks::Multiply(rows, columns, rows_reside ? own : slice, rows_reside ? slice : own, depth, block, k_start > 0,
                           unfinished);
          if (last) unfinished = {&finish, Blocks::kColumns, block, at_row, rows, at_column, columns};
        }
        k_start += depth;
      } while (k_start < plan.depth);
    }
    unfinished(Blocks::kRows);
    Blocks::End();
  });
}

inline void MultiplyProduct(const Product &product, Threads &threads) {
  if (product.precision == DType::kBFloat16) MultiplyMatrices<BFloat16Blocks>(product, threads);
  else MultiplyMatrices<FloatBlocks<false>>(product, threads);
}

// 0 where packing beforehand brings nothing.
inline size_t PackedBytes(int64_t k, int64_t n, DType precision) {
  if (!kPacksWeights || precision != DType::kBFloat16) return 0;
  const int64_t depth = CeilDivide(k, BFloat16Blocks::kDepth) * BFloat16Blocks::kDepth;
  const int64_t width = CeilDivide(n, BFloat16Blocks::kColumns) * BFloat16Blocks::kColumns;
  return static_cast<size_t>(depth * width) * sizeof(BFloat16Blocks::Element);
}

inline void Pack(const View &b, DType precision, void *packed, Threads &threads) {
  if (!kPacksWeights || precision != DType::kBFloat16) return;
  const Lines columns = ColumnsOf(b, 0);
  const int64_t depth = CeilDivide(columns.depth, BFloat16Blocks::kDepth) * BFloat16Blocks::kDepth;
  ParallelFor(threads, CeilDivide(columns.count, BFloat16Blocks::kColumns), [&](int64_t panel, int) {
    PackPanel<BFloat16Blocks>(false, columns, panel,
                              static_cast<BFloat16Blocks::Element *>(packed) + panel * BFloat16Blocks::kColumns * depth);
  });
}

}  // namespace SIGLIP_ISA
}  // namespace siglip
