// Packing panels, and the macro-kernel: the micro-tiles of a streamed panel with all cached ones.
#pragma once

#include "gemm/blocking.h"
#include "gemm/epilogue.h"

namespace siglip {
namespace SIGLIP_ISA {

// `count` A or B panels, `step` elements behind one another, from k = start on.
template <typename Microkernel>
void PackPanels(bool is_a, const Lines &lines, int64_t panel, int64_t count, int64_t start, int64_t depth,
                typename Microkernel::Element *to, int64_t step) {
  const int64_t width = WidthOf<Microkernel>(is_a), end = Min(start + depth, lines.depth);
  if constexpr (Microkernel::kPacksMany) {
    const int64_t done = Microkernel::PackMany(is_a, lines, panel * width, count, start, end - start, to, step);
    panel += done, count -= done, to += done * step;
  }
  // Where one line lies beside the next, what follows in memory is in the next panel, not further along the line.
  const int64_t run = lines.stride == 1 ? 64 : end - start;
  for (int64_t k = start; k < end; k += run) {
    for (int64_t i = 0; i < count; i++) {
      typename Microkernel::Element *target = to + i * step + (k - start) * width;
      if (is_a) Microkernel::PackA(lines, (panel + i) * width, k, Min(run, end - k), target);
      else Microkernel::PackB(lines, (panel + i) * width, k, Min(run, end - k), target);
    }
  }
}

// Panels that a task packs at a time.
constexpr int64_t kPanelsAtOnce = 8;

// All panels of each matrix, one after the other, each `size` elements. pack(matrix, panel, count, to) packs some.
template <typename Element, typename Pack>
void PackAll(int64_t batch, int64_t panels, int64_t size, Element *to, Threads &threads, const Pack &pack) {
  const int64_t at_once = Min(kPanelsAtOnce, CeilDivide(panels, 2 * threads.count()));
  const int64_t groups = CeilDivide(panels, at_once);
  ParallelFor(threads, batch * groups, [&](int64_t task, int) {
    const int64_t index = task / groups, panel = task % groups * at_once, count = Min(at_once, panels - panel);
    pack(index, panel, count, to + (index * panels + panel) * size);
  });
}

// What is interleaved with multiplying, which leaves the other units of a core idle: the epilogue of the panel before, and
// prefetching what is read next.
template <typename Microkernel>
struct Interleaved {
  const Epilogue &epilogue;
  const GemmPlan &plan;
  int64_t rows_per_tile = 0;  // that get their epilogue while a tile is multiplied,
  int64_t rows_due = 0;       // and that are put off
  const float *sums = nullptr;
  int64_t a_panel = 0, b_panel = 0;  // of the first tile that waits for its epilogue
  int64_t tiles = 0, row = 0;        // how many wait; the first row of the first that waits

  const char *next = nullptr, *next_end = nullptr;  // of the row that is prefetched
  int64_t next_rows = 0, next_bytes = 0, next_stride = 0;
  int64_t lines_per_tile = 0;  // of the cache, prefetched while a tile is multiplied

  void PlanPrefetch(const void *first, int64_t rows, int64_t bytes, int64_t stride, int64_t during_tiles) {
    next = static_cast<const char *>(first), next_end = next + bytes;
    next_rows = rows, next_bytes = bytes, next_stride = stride;
    lines_per_tile = CeilDivide(rows * (bytes + 63), 64 * during_tiles);
  }

  // The lines of a streamed panel, which is packed next, from k = start on.
  void PlanPrefetch(const Lines &lines, int64_t panel, int64_t start, int64_t depth, int64_t during_tiles) {
    const int64_t width = WidthOf<Microkernel>(!plan.a_cached), first = panel * width;
    const int64_t size = static_cast<int64_t>(SizeOf(lines.dtype));
    PlanPrefetch(lines.at(first, start), Min(width, lines.count - first), Min(depth, lines.depth - start) * size,
                 lines.stride * size, during_tiles);
  }

  // The tiles of a streamed panel with the cached ones from `cached` on, after the epilogue of all before. The panel is multiplied
  // in `kc_steps`.
  void PlanEpilogue(const float *their_sums, int64_t count, int64_t cached, int64_t streamed, int64_t kc_steps) {
    RunEpilogue(tiles * Microkernel::kMr);
    rows_per_tile = CeilDivide(Microkernel::kMr, kc_steps);
    rows_due = 0, sums = their_sums, tiles = count;
    a_panel = plan.a_cached ? cached : streamed, b_panel = plan.a_cached ? streamed : cached;
  }

  void RunEpilogue(int64_t count) {
    while (count > 0 && tiles > 0) {
      const int64_t at_row = a_panel * Microkernel::kMr, at_column = b_panel * Microkernel::kNr;
      const int64_t rows = Min(Microkernel::kMr, plan.m - at_row) - row, now = Min(count, rows);
      const int64_t columns = Min(Microkernel::kNr, plan.n - at_column);
      epilogue(sums + row * Microkernel::kNr, Microkernel::kNr, at_row + row, now, at_column, columns);
      count -= now, row += now;
      if (now < rows) return;
      (plan.a_cached ? a_panel : b_panel)++;
      sums += Microkernel::kMr * Microkernel::kNr, row = 0, tiles--;
    }
  }

  // Rows are put off until they are half a tile's: faster than one by one.
  void RunEpilogueShare() {
    rows_due += rows_per_tile;
    if (2 * rows_due < Microkernel::kMr) return;
    RunEpilogue(rows_due);
    rows_due = 0;
  }

  void Prefetch(int64_t lines) {
    for (; lines > 0 && next_rows > 0; lines--) {
      __builtin_prefetch(next, 0, 2);
      next += 64;
      if (next < next_end) continue;
      next_end += next_stride, next = next_end - next_bytes, next_rows--;
    }
  }
};

// Multiplies a streamed panel with `count` cached ones, which are `step` apart, from k = start on: compiled once for all ways to
// cut a product. `sums` are the streamed panel's tiles; those of k = 0 are set, others added to.
template <typename Microkernel>
__attribute__((noinline)) void Macrokernel(const typename Microkernel::Element *cached, int64_t first, int64_t count, int64_t step,
                                           const typename Microkernel::Element *streamed, int64_t panel, int64_t start,
                                           int64_t depth, float *sums, Interleaved<Microkernel> &interleaved) {
  const GemmPlan &plan = interleaved.plan;
  const bool a_cached = plan.a_cached, add = start > 0;
  int64_t rows = plan.m - (a_cached ? first : panel) * Microkernel::kMr;
  int64_t columns = plan.n - (a_cached ? panel : first) * Microkernel::kNr;
  for (int64_t i = 0; i < count; i++, cached += step, sums += Microkernel::kMr * Microkernel::kNr) {
    Microkernel::Multiply(rows, columns, a_cached ? cached : streamed, a_cached ? streamed : cached, depth, sums, add, interleaved);
    (a_cached ? rows : columns) -= WidthOf<Microkernel>(a_cached);
  }
}

}  // namespace SIGLIP_ISA
}  // namespace siglip
