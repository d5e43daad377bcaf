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

inline int64_t StrideOf(const View &view, int32_t dimension) {
  return view.shape[dimension] > 1 ? view.strides[dimension] : 0;
}

inline Finish FinishOf(const Product &product, int64_t index) {
  const View &c = product.c;
  Finish finish{};
  finish.c = At(c, BatchOffset(c, c, index));
  finish.c_stride = c.strides[c.rank - 2];
  if (product.residual != nullptr) {
    const View &residual = *product.residual;
    finish.residual = At(residual, BatchOffset(residual, c, index));
    finish.residual_stride = residual.rank > 1 ? StrideOf(residual, residual.rank - 2) : 0;
    finish.residual_step = StrideOf(residual, residual.rank - 1);
  }
  if (product.bias != nullptr) {
    finish.bias = static_cast<const float *>(product.bias->data);
    finish.bias_step = StrideOf(*product.bias, product.bias->rank - 1);
  }
  finish.alpha = product.alpha;
  const auto choose =
      c.dtype == DType::kBFloat16 ? FinishWithActivation<DType::kBFloat16> : FinishWithActivation<DType::kFloat32>;
  finish.rows = choose(product.activation, product.residual);
  return finish;
}

// `count` panels, each kRows or kColumns lines and `step` elements behind the one before, from k = start on.
template <typename Blocks>
void PackPanels(bool rows, const Lines &lines, int64_t panel, int64_t count, int64_t start, int64_t depth,
                typename Blocks::Element *to, int64_t step) {
  const int64_t width = rows ? Blocks::kRows : Blocks::kColumns, end = AtMost(start + depth, lines.depth);
  if constexpr (Blocks::kPacksMany) {
    const int64_t done = Blocks::PackMany(rows, lines, panel * width, count, start, end - start, to, step);
    panel += done, count -= done, to += done * step;
  }
  // If lines lie beside each other in memory, what follows in it is in the next panel, not further along the line.
  const int64_t run = lines.stride == 1 ? 64 : end - start;
  for (int64_t k = start; k < end; k += run) {
    for (int64_t i = 0; i < count; i++) {
      typename Blocks::Element *place = to + i * step + (k - start) * width;
      if (rows) Blocks::PackRows(lines, (panel + i) * width, k, AtMost(run, end - k), place);
      else Blocks::PackColumns(lines, (panel + i) * width, k, AtMost(run, end - k), place);
    }
  }
}

// The panels of a matrix that a task packs at a time.
constexpr int64_t kPanelsAtOnce = 8;

// All panels of each matrix, one after the other, as deep as k is.
template <typename Blocks, typename LinesOf>
void PackAll(bool rows, const LinesOf &lines_of, int64_t batch, int64_t panels, int64_t depth,
             typename Blocks::Element *to, Threads &threads) {
  const int64_t size = (rows ? Blocks::kRows : Blocks::kColumns) * depth;
  const int64_t at_once = AtMost(kPanelsAtOnce, CeilDivide(panels, 2 * threads.count()));
  const int64_t groups = CeilDivide(panels, at_once);
  ParallelFor(threads, batch * groups, [&](int64_t task, int) {
    const int64_t index = task / groups, panel = task % groups * at_once, count = AtMost(at_once, panels - panel);
    PackPanels<Blocks>(rows, lines_of(index), panel, count, 0, depth, to + (index * panels + panel) * size, size);
  });
}

// What is done while blocks are multiplied, a little in each step, since multiplying leaves the other units idle: the
// blocks of the panel before are finished, and what will be read next is fetched.
template <typename Blocks>
struct BlockMeanwhile {
  const Finish &finish;
  int64_t m, n;
  bool rows_reside;
  int64_t rows_a_block = 0;  // to be finished during each
  const float *sums = nullptr;
  int64_t row_panel = 0, column_panel = 0;  // of the first that isn't finished
  int64_t blocks = 0, row = 0;              // how many aren't; the first row of the first that isn't

  const char *next = nullptr, *next_end = nullptr;  // of the row that is fetched
  int64_t next_rows = 0, next_bytes = 0, next_stride = 0;
  int64_t lines_a_block = 0;  // to be fetched during each

  void PlanFetch(const void *first, int64_t rows, int64_t bytes, int64_t stride, int64_t during_blocks) {
    next = static_cast<const char *>(first), next_end = next + bytes;
    next_rows = rows, next_bytes = bytes, next_stride = stride;
    lines_a_block = CeilDivide(rows * (bytes + 63), 64 * during_blocks);
  }

  void FinishRows(int64_t count) {
    while (count > 0 && blocks > 0) {
      const int64_t at_row = row_panel * Blocks::kRows, at_column = column_panel * Blocks::kColumns;
      const int64_t rows = AtMost(Blocks::kRows, m - at_row) - row, now = AtMost(count, rows);
      const int64_t columns = AtMost(Blocks::kColumns, n - at_column);
      finish(sums + row * Blocks::kColumns, Blocks::kColumns, at_row + row, now, at_column, columns);
      count -= now, row += now;
      if (now < rows) return;
      (rows_reside ? row_panel : column_panel)++;
      sums += Blocks::kRows * Blocks::kColumns, row = 0, blocks--;
    }
  }

  void Fetch(int64_t lines) {
    for (; lines > 0 && next_rows > 0; lines--) {
      __builtin_prefetch(next, 0, 2);
      next += 64;
      if (next < next_end) continue;
      next_end += next_stride, next = next_end - next_bytes, next_rows--;
    }
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
  const Layout row_layout{a.strides[a.rank - 1] == 1, a.strides[a.rank - 2] == 1};
  const Layout column_layout{b.strides[b.rank - 2] == 1, b.strides[b.rank - 1] == 1};
  const ProductPlan plan =
      PlanProduct<Blocks>(m, n, k, batch, product.packed != nullptr, row_layout, column_layout, threads.count());
  const bool rows_reside = plan.rows_reside;
  const auto lines = [&](bool rows, int64_t index) {
    return rows ? RowsOf(a, BatchOffset(a, c, index)) : ColumnsOf(b, BatchOffset(b, c, index));
  };

  const int64_t resident_width = rows_reside ? Blocks::kRows : Blocks::kColumns;
  const int64_t passing_width = rows_reside ? Blocks::kColumns : Blocks::kRows;
  const int64_t passing_panel = passing_width * plan.depth;
  const int64_t passing_panels = rows_reside ? plan.column_panels : plan.row_panels;
  const Element *ready = static_cast<const Element *>(product.packed);
  if (plan.shared) {
    const int64_t bytes = batch * passing_panels * passing_panel * kSize;
    Element *to = static_cast<Element *>(threads.Shared(static_cast<size_t>(bytes)));
    const auto passing_lines = [&](int64_t index) { return lines(!rows_reside, index); };
    PackAll<Blocks>(!rows_reside, passing_lines, batch, passing_panels, plan.depth, to, threads);
    ready = to;
  }

  // In a thread's scratch: the resident panels, one that passes or all (if they aren't ready), and the sums of all blocks
  // that a passing panel makes, of this panel and the one before; of all blocks if there are several slabs.
  const auto whole_lines = [](int64_t bytes) { return CeilDivide(bytes, 64) * 64; };
  const int64_t most_resident = rows_reside ? plan.task_rows : plan.task_columns;
  const int64_t most_passing = rows_reside ? plan.task_columns : plan.task_rows;
  const int64_t kept_passing = plan.slab < plan.depth ? most_passing : 2;
  const int64_t passing_at = whole_lines(most_resident * resident_width * plan.slab * kSize);
  const int64_t packed_passing = ready != nullptr ? 0 : plan.together ? most_passing : 1;
  const int64_t sums_at = passing_at + whole_lines(packed_passing * passing_width * plan.slab * kSize);
  const int64_t sums_end = sums_at + most_resident * kept_passing * kSums * 4;

  ParallelFor(threads, plan.tasks(), [&](int64_t task, int thread) {
    const int64_t index = task / (plan.row_tasks * plan.column_tasks);
    const int64_t row = task / plan.column_tasks % plan.row_tasks * plan.task_rows;
    const int64_t column = task % plan.column_tasks * plan.task_columns;
    const int64_t row_end = AtMost(row + plan.task_rows, plan.row_panels);
    const int64_t column_end = AtMost(column + plan.task_columns, plan.column_panels);
    const int64_t first = rows_reside ? row : column, residents = (rows_reside ? row_end : column_end) - first;
    const int64_t passing_first = rows_reside ? column : row, passing_end = rows_reside ? column_end : row_end;
    const Finish finish = FinishOf(product, index);

    char *scratch = static_cast<char *>(threads.Scratch(thread, static_cast<size_t>(sums_end)));
    Element *resident = reinterpret_cast<Element *>(scratch);
    Element *own_passing = reinterpret_cast<Element *>(scratch + passing_at);
    float *sums = reinterpret_cast<float *>(scratch + sums_at);
    const Lines resident_lines = lines(rows_reside, index), passing_lines = lines(!rows_reside, index);
    BlockMeanwhile<Blocks> meanwhile{finish, m, n, rows_reside};
    Blocks::Begin();
    int64_t slab = 0;
    do {
      const int64_t slab_depth = AtMost(plan.slab, plan.depth - slab);
      const int64_t step = resident_width * slab_depth;
      PackPanels<Blocks>(rows_reside, resident_lines, first, residents, slab, slab_depth, resident, step);
      if (plan.together) {
        PackPanels<Blocks>(!rows_reside, passing_lines, passing_first, passing_end - passing_first, slab, slab_depth,
                           own_passing, passing_width * slab_depth);
      }
      for (int64_t j = passing_first; j < passing_end; j++) {
        const Element *passing = own_passing;
        if (plan.together) {
          passing += (j - passing_first) * passing_width * slab_depth;
        } else if (ready == nullptr) {
          PackPanels<Blocks>(!rows_reside, passing_lines, j, 1, slab, slab_depth, own_passing, 0);
        } else {
          const int64_t panel = product.packed != nullptr ? j : index * passing_panels + j;
          passing = ready + panel * passing_panel + slab * passing_width;
        }
        float *panel_sums = sums + (j - passing_first) % kept_passing * residents * kSums;
        int64_t start = 0;
        do {
          const int64_t depth = AtMost(plan.slice, slab_depth - start), slice_bytes = depth * passing_width * kSize;
          const bool slab_ends = start + depth == slab_depth;
          const Element *slice = passing + start * passing_width;
          if (ready != nullptr) {  // the next slice: it lies behind this one, or at the same place in the next panel
            const Element *next = slab_ends ? passing + passing_panel : slice + depth * passing_width;
            meanwhile.PlanFetch(next, slab_ends && j + 1 == passing_end ? 0 : 1, slice_bytes, 0, residents);
          } else if (!plan.together && start == 0 && j + 1 < passing_end && passing_lines.depth_stride == 1) {
            // what is packed next
            const int64_t line = (j + 1) * passing_width, size = static_cast<int64_t>(SizeOf(passing_lines.dtype));
            meanwhile.PlanFetch(passing_lines.at(line, slab), AtMost(passing_width, passing_lines.count - line),
                                AtMost(slab_depth, passing_lines.depth - slab) * size, passing_lines.stride * size,
                                residents * CeilDivide(slab_depth, AtLeast(1, plan.slice)));
          }
          for (int64_t i = 0; i < residents; i++) {
            const int64_t rows = m - (rows_reside ? first + i : j) * Blocks::kRows;
            const int64_t columns = n - (rows_reside ? j : first + i) * Blocks::kColumns;
            const Element *own = resident + (i * slab_depth + start) * resident_width;
            Blocks::Multiply(rows, columns, rows_reside ? own : slice, rows_reside ? slice : own, depth,
                             panel_sums + i * kSums, slab + start > 0, meanwhile);
          }
          start += depth;
        } while (start < slab_depth);
        if (slab + slab_depth < plan.depth) continue;
        meanwhile.FinishRows(residents * Blocks::kRows);
        meanwhile.rows_a_block = CeilDivide(Blocks::kRows * AtLeast(1, plan.slice), AtLeast(1, slab_depth));
        meanwhile.sums = panel_sums;
        meanwhile.row_panel = rows_reside ? first : j, meanwhile.column_panel = rows_reside ? j : first;
        meanwhile.blocks = residents;
      }
      slab += slab_depth;
    } while (slab < plan.depth);
    meanwhile.FinishRows(residents * Blocks::kRows);
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
  const int64_t panels = CeilDivide(columns.count, BFloat16Blocks::kColumns);
  const auto lines_of = [&](int64_t) { return columns; };
  PackAll<BFloat16Blocks>(false, lines_of, 1, panels, depth, static_cast<BFloat16Blocks::Element *>(packed), threads);
}

}  // namespace SIGLIP_ISA
}  // namespace siglip
