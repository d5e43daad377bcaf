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
  finish.c_type = c.dtype;
  finish.c_stride = c.strides[c.rank - 2];
  if (product.residual != nullptr) {
    const View &residual = *product.residual;
    finish.residual = At(residual, BatchOffset(residual, c, index));
    finish.residual_type = residual.dtype;
    finish.residual_stride = residual.rank > 1 && residual.shape[residual.rank - 2] > 1 ? residual.strides[residual.rank - 2] : 0;
    finish.residual_step = residual.shape[residual.rank - 1] > 1 ? residual.strides[residual.rank - 1] : 0;
  }
  if (product.bias != nullptr) {
    finish.bias = static_cast<const float *>(product.bias->data);
    finish.bias_step = product.bias->shape[product.bias->rank - 1] > 1 ? product.bias->strides[product.bias->rank - 1] : 0;
  }
  finish.alpha = product.alpha;
  finish.activation = product.activation;
  return finish;
}

// All panels of a matrix one after the other, each as deep as k.
template <typename Blocks, bool kColumns>
void PackPanel(const Lines &lines, int64_t panel, int64_t start, int64_t depth, typename Blocks::Element *to) {
  if (kColumns) Blocks::PackColumns(lines, panel * Blocks::kColumns, start, depth, to);
  else Blocks::PackRows(lines, panel * Blocks::kRows, start, depth, to);
}

template <typename Blocks>
void MultiplyMatrices(const Product &product, Threads &threads) {
  using Element = typename Blocks::Element;
  const View &a = product.a, &b = product.b, &c = product.c;
  const int64_t m = c.shape[c.rank - 2], n = c.shape[c.rank - 1], k = a.shape[a.rank - 1];
  int64_t batch = 1;
  for (int32_t i = 0; i < c.rank - 2; i++) batch *= c.shape[i];
  if (m * n * batch == 0) return;
  const ProductPlan plan = PlanProduct<Blocks>(m, n, k, batch, product.packed != nullptr, threads.count());

  const int64_t row_panel = Blocks::kRows * plan.padded_depth, column_panel = Blocks::kColumns * plan.padded_depth;
  const Element *shared = nullptr;
  if (plan.rows_shared || plan.columns_shared) {
    const int64_t panels = plan.rows_shared ? plan.row_panels : plan.column_panels;
    const int64_t panel_size = plan.rows_shared ? row_panel : column_panel;
    Element *to = static_cast<Element *>(threads.Shared(static_cast<size_t>(batch * panels * panel_size) * sizeof(Element)));
    shared = to;
    ParallelFor(threads, batch * panels, [&](int64_t task, int) {
      const int64_t index = task / panels, panel = task % panels;
      Element *place = to + task * panel_size;
      if (plan.rows_shared) PackPanel<Blocks, false>(RowsOf(a, BatchOffset(a, c, index)), panel, 0, k, place);
      else PackPanel<Blocks, true>(ColumnsOf(b, BatchOffset(b, c, index)), panel, 0, k, place);
    });
  }

  // In a thread's scratch: rows, columns, sums.
  const int64_t rows_size = plan.rows_shared ? 0 : plan.task_rows * Blocks::kRows * plan.block_depth;
  const bool columns_ready = plan.columns_shared || product.packed != nullptr;
  const int64_t columns_size = columns_ready ? 0 : plan.task_columns * Blocks::kColumns * plan.block_depth;
  constexpr int64_t kSums = Blocks::kRows * Blocks::kColumns;
  const int64_t sums_size = plan.depth_blocks > 1 ? plan.task_rows * plan.task_columns * kSums : kSums;
  const int64_t line = 64 / sizeof(Element);
  const int64_t columns_at = CeilDivide(rows_size, line) * line;
  const int64_t sums_at = columns_at + CeilDivide(columns_size, line) * line;
  const size_t bytes = static_cast<size_t>(sums_at) * sizeof(Element) + static_cast<size_t>(sums_size) * 4;

  ParallelFor(threads, plan.tasks(), [&](int64_t task, int thread) {
    const int64_t index = task / (plan.row_tasks * plan.column_tasks);
    const int64_t row_task = task / plan.column_tasks % plan.row_tasks, column_task = task % plan.column_tasks;
    const int64_t first_row = row_task * plan.task_rows, end_row = AtMost(first_row + plan.task_rows, plan.row_panels);
    const int64_t first_column = column_task * plan.task_columns;
    const int64_t end_column = AtMost(first_column + plan.task_columns, plan.column_panels);
    const Lines rows = RowsOf(a, BatchOffset(a, c, index)), columns = ColumnsOf(b, BatchOffset(b, c, index));
    const Finish finish = FinishOf(product, index);

    Element *own_rows = static_cast<Element *>(threads.Scratch(thread, bytes)), *own_columns = own_rows + columns_at;
    float *sums = reinterpret_cast<float *>(own_rows + sums_at);
    Blocks::Begin();
    for (int64_t block = 0; block < plan.depth_blocks; block++) {
      const int64_t start = block * plan.block_depth, depth = AtMost(plan.block_depth, k - start);
      const int64_t padded = CeilDivide(depth, Blocks::kDepth) * Blocks::kDepth;
      const Element *row_panels, *column_panels;
      int64_t row_step = row_panel, column_step = column_panel;
      if (plan.rows_shared) {
        row_panels = shared + (index * plan.row_panels + first_row) * row_panel + start * Blocks::kRows;
      } else {
        row_panels = own_rows, row_step = Blocks::kRows * padded;
        for (int64_t i = first_row; i < end_row; i++) {
          PackPanel<Blocks, false>(rows, i, start, depth, own_rows + (i - first_row) * row_step);
        }
      }
      if (columns_ready) {
        const int64_t matrix = product.packed != nullptr ? 0 : index;
        column_panels = (product.packed != nullptr ? static_cast<const Element *>(product.packed) : shared) +
                        (matrix * plan.column_panels + first_column) * column_panel + start * Blocks::kColumns;
      } else {
        column_panels = own_columns, column_step = Blocks::kColumns * padded;
        for (int64_t j = first_column; j < end_column; j++) {
          PackPanel<Blocks, true>(columns, j, start, depth, own_columns + (j - first_column) * column_step);
        }
      }
      const auto multiply = [&](int64_t i, int64_t j) {
        const int64_t row = i * Blocks::kRows, column = j * Blocks::kColumns;
        const int64_t row_count = AtMost(Blocks::kRows, m - row), column_count = AtMost(Blocks::kColumns, n - column);
        const int64_t place = plan.depth_blocks > 1 ? (i - first_row) * (end_column - first_column) + j - first_column : 0;
        float *block_sums = sums + place * kSums;
        Blocks::Multiply(row_count, column_count, row_panels + (i - first_row) * row_step,
                         column_panels + (j - first_column) * column_step, padded, block_sums, block > 0);
        if (block + 1 == plan.depth_blocks) finish(block_sums, Blocks::kColumns, row, row_count, column, column_count);
      };
      // The panel that stays in the first-level cache is the one that streams through the second.
      if (columns_ready) {
        for (int64_t j = first_column; j < end_column; j++) {
          for (int64_t i = first_row; i < end_row; i++) multiply(i, j);
        }
      } else {
        for (int64_t i = first_row; i < end_row; i++) {
          for (int64_t j = first_column; j < end_column; j++) multiply(i, j);
        }
      }
    }
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
    PackPanel<BFloat16Blocks, true>(columns, panel, 0, columns.depth,
                                    static_cast<BFloat16Blocks::Element *>(packed) + panel * BFloat16Blocks::kColumns * depth);
  });
}

}  // namespace SIGLIP_ISA
}  // namespace siglip
