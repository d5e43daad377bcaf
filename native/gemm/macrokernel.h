// A product's operands as panels, and what is done with panels.
#pragma once

#include "gemm/blocking.h"
#include "gemm/epilogue.h"

namespace siglip {
namespace SIGLIP_ISA {

// `count` panels, each kRows or kColumns lines and `step` elements behind the one before, from k = start on.
template <typename Blocks>
void PackPanels(bool rows, const Lines &lines, int64_t panel, int64_t count, int64_t start, int64_t depth,
                typename Blocks::Element *to, int64_t step) {
  const int64_t width = WidthOf<Blocks>(rows), end = AtMost(start + depth, lines.depth);
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

// All panels of each matrix, one after the other, each `size` elements: pack(matrix, panel, count, to) lays out some.
template <typename Element, typename Pack>
void PackAll(int64_t batch, int64_t panels, int64_t size, Element *to, Threads &threads, const Pack &pack) {
  const int64_t at_once = AtMost(kPanelsAtOnce, CeilDivide(panels, 2 * threads.count()));
  const int64_t groups = CeilDivide(panels, at_once);
  ParallelFor(threads, batch * groups, [&](int64_t task, int) {
    const int64_t index = task / groups, panel = task % groups * at_once, count = AtMost(at_once, panels - panel);
    pack(index, panel, count, to + (index * panels + panel) * size);
  });
}

// What is done while blocks are multiplied, a little in each step, since multiplying leaves the other units idle: the
// blocks of the panel before are finished, and what will be read next is fetched.
template <typename Blocks>
struct BlockMeanwhile {
  const Finish &finish;
  const ProductPlan &plan;
  int64_t rows_a_block = 0;  // to be finished during each,
  int64_t rows_due = 0;      // and that are put off
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

  // The lines of a passing panel, which is packed next, from a slab on as deep as it.
  void PlanFetch(const Lines &lines, int64_t panel, int64_t slab, int64_t depth, int64_t during_blocks) {
    const int64_t width = WidthOf<Blocks>(!plan.rows_reside), first = panel * width;
    const int64_t size = static_cast<int64_t>(SizeOf(lines.dtype));
    PlanFetch(lines.at(first, slab), AtMost(width, lines.count - first), AtMost(depth, lines.depth - slab) * size,
              lines.stride * size, during_blocks);
  }

  // The blocks of a passing panel with the resident ones from `resident` on, once all before are finished. A passing panel is
  // multiplied in so many slices.
  void PlanFinish(const float *their_sums, int64_t count, int64_t resident, int64_t passing, int64_t slices) {
    FinishRows(blocks * Blocks::kRows);
    rows_a_block = CeilDivide(Blocks::kRows, slices);
    rows_due = 0, sums = their_sums, blocks = count;
    row_panel = plan.rows_reside ? resident : passing, column_panel = plan.rows_reside ? passing : resident;
  }

  void FinishRows(int64_t count) {
    while (count > 0 && blocks > 0) {
      const int64_t at_row = row_panel * Blocks::kRows, at_column = column_panel * Blocks::kColumns;
      const int64_t rows = AtMost(Blocks::kRows, plan.m - at_row) - row, now = AtMost(count, rows);
      const int64_t columns = AtMost(Blocks::kColumns, plan.n - at_column);
      finish(sums + row * Blocks::kColumns, Blocks::kColumns, at_row + row, now, at_column, columns);
      count -= now, row += now;
      if (now < rows) return;
      (plan.rows_reside ? row_panel : column_panel)++;
      sums += Blocks::kRows * Blocks::kColumns, row = 0, blocks--;
    }
  }

  // Rows are put off until they are half a block's: faster than one by one.
  void FinishShare() {
    rows_due += rows_a_block;
    if (2 * rows_due < Blocks::kRows) return;
    FinishRows(rows_due);
    rows_due = 0;
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

// The sums of a slice of a passing panel, which starts so deep in it, with the same slice of the resident ones from `first` on, which
// are `step` apart: the product's inner loop, compiled once for all ways to cut it. `sums`: the passing panel's; the first slice sets them.
template <typename Blocks>
__attribute__((noinline)) void MultiplySlice(const typename Blocks::Element *resident, int64_t first, int64_t count, int64_t step,
                                             const typename Blocks::Element *passing, int64_t panel, int64_t start, int64_t depth,
                                             float *sums, BlockMeanwhile<Blocks> &meanwhile) {
  const ProductPlan &plan = meanwhile.plan;
  const bool rows_reside = plan.rows_reside, add = start > 0;
  int64_t rows = plan.m - (rows_reside ? first : panel) * Blocks::kRows;
  int64_t columns = plan.n - (rows_reside ? panel : first) * Blocks::kColumns;
  for (int64_t i = 0; i < count; i++, resident += step, sums += Blocks::kRows * Blocks::kColumns) {
    Blocks::Multiply(rows, columns, rows_reside ? resident : passing, rows_reside ? passing : resident, depth, sums, add,
                     meanwhile);
    (rows_reside ? rows : columns) -= WidthOf<Blocks>(rows_reside);
  }
}

}  // namespace SIGLIP_ISA
}  // namespace siglip
