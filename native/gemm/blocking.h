// How a product is cut. A task is a block of c. It packs the block's part of the larger operand for its core's
// second-level cache, where it resides while the panels of the other operand pass by, a slice of a panel at a time.
// If k is large, it does so slab by slab, a slab being some slices. Where one operand is small, there are no tasks: all of it
// resides, and threads claim the panels of the other.
//
// However it is cut, an element of c is one sum that goes through k from its start to its end, slice after slice, in one thread. So a
// row of c is the same to the bit whatever rows are beside it, wherever it stands and however many threads there are, and nothing
// of a row reaches another.
#pragma once

#include "gemm/pack.h"

namespace siglip {
namespace SIGLIP_ISA {

inline int64_t CeilDivide(int64_t a, int64_t b) { return (a + b - 1) / b; }
// n in as many parts, each but the last a multiple of `unit`: how large these are.
inline int64_t PartOf(int64_t n, int64_t parts, int64_t unit) { return RoundUp(CeilDivide(n, parts), unit); }
inline int64_t AtLeast(int64_t a, int64_t b) { return a > b ? a : b; }
inline int64_t AtMost(int64_t a, int64_t b) { return a < b ? a : b; }

struct ProductPlan {
  int64_t batch, m, n;
  int64_t row_panels, column_panels;     // of a matrix
  int64_t depth, slab, slice;            // how deep panels are (k, padded), slabs and slices
  bool rows_reside;                      // or the columns
  bool shared;                           // what passes by is packed by all threads beforehand, else by each task,
  bool together;                         // a panel after the other or all panels of a slab together
  int64_t task_rows, task_columns;       // panels in a task
  int64_t row_tasks, column_tasks;       // tasks in a matrix
  bool claimed;                          // no tasks: all of an operand resides, panels of the other are claimed; one slab

  int64_t residents() const { return rows_reside ? row_panels : column_panels; }  // panels that reside, of a matrix,
  int64_t passing() const { return rows_reside ? column_panels : row_panels; }    // and that pass by
  int64_t tasks() const { return batch * row_tasks * column_tasks; }
};

constexpr int64_t kResidentBytes = 10 << 17;
constexpr int64_t kMostSumsBytes = 4 << 20;
constexpr int64_t kMostSharedBytes = int64_t{1} << 28;
constexpr int64_t kMostTogetherBytes = 1 << 20;
constexpr int64_t kMostDeepSums = 1 << 18;
constexpr int64_t kMostClaimedBytes = 4 << 20;  // what resides: in the third-level cache if not in the second
constexpr int64_t kClaimedAtOnce = 1 << 16;     // bytes

// Lines in a panel of rows or columns.
template <typename Blocks>
constexpr int64_t WidthOf(bool rows) {
  return rows ? Blocks::kRows : Blocks::kColumns;
}

// How the rows of a or the columns of b lie: one element of a line beside the next, so that a panel can be fetched while others are
// multiplied, or the lines beside each other, so that many panels are packed as fast as they come from memory.
struct Layout {
  bool along, beside;
};

// packed: b, beforehand.
template <typename Blocks>
ProductPlan PlanProduct(int64_t m, int64_t n, int64_t k, int64_t batch, bool packed, Layout rows, Layout columns,
                        int threads) {
  ProductPlan plan{};
  plan.batch = batch, plan.m = m, plan.n = n;
  plan.depth = RoundUp(k, Blocks::kDepth);
  // Gradients of weights: both operands are packed in slabs so thin that the second-level cache holds them beside the sums.
  const bool packs = Blocks::kPacksMany && !packed;
  const bool deep =
      packs && rows.beside && columns.beside && k >= 4 * AtLeast(m, n) && m * n <= kMostDeepSums;
  const int64_t slabs = AtLeast(1, CeilDivide(k, deep ? Blocks::kDeepSlab : Blocks::kSlab));
  const int64_t slices = AtLeast(1, CeilDivide(CeilDivide(k, slabs), Blocks::kSlice));
  plan.slice = AtLeast(1, PartOf(k, slabs * slices, Blocks::kDepth));
  plan.slab = plan.slice * slices;
  plan.row_panels = CeilDivide(m, Blocks::kRows);
  plan.column_panels = CeilDivide(n, Blocks::kColumns);
  constexpr int64_t kSize = sizeof(typename Blocks::Element);
  const int64_t sums_bytes = Blocks::kRows * Blocks::kColumns * 4;
  plan.rows_reside = m <= n;  // the smaller operand, if it resides whole
  const int64_t smaller_bytes = plan.residents() * WidthOf<Blocks>(plan.rows_reside) * plan.depth * kSize;
  const bool larger_along = plan.rows_reside ? columns.along : rows.along;
  if (packs && batch == 1 && k > 0 && larger_along && plan.passing() >= 4 * threads && smaller_bytes <= kMostClaimedBytes) {
    plan.claimed = true;
    plan.slab = plan.depth;
    plan.slice = PartOf(k, CeilDivide(k, Blocks::kSlice), Blocks::kDepth);
    return plan;
  }
  // All rows at once leave each column to one task, which packs it while the next one is fetched.
  const bool few_rows = batch == 1 && m <= n && columns.along && plan.column_panels >= threads &&
                        plan.row_panels * Blocks::kRows * plan.slab * kSize <= kResidentBytes;
  plan.rows_reside = packed || few_rows || m > n;
  const int64_t panels = plan.residents(), passing_panels = plan.passing(), width = WidthOf<Blocks>(plan.rows_reside);
  const int64_t panel_bytes = width * (plan.slab * kSize + (deep ? AtMost(m, n) * 4 : 0));
  const int64_t fit = AtLeast(1, kResidentBytes / panel_bytes);
  const int64_t least_tasks = CeilDivide(panels, fit);
  const int64_t most_sums = AtLeast(1, kMostSumsBytes / sums_bytes / CeilDivide(panels, least_tasks));
  const int64_t least_passing_tasks = plan.slab < plan.depth ? CeilDivide(passing_panels, most_sums) : 1;
  const int64_t least_row_tasks = plan.rows_reside ? least_tasks : least_passing_tasks;
  const int64_t least_column_tasks = plan.rows_reside ? least_passing_tasks : least_tasks;

  const int64_t passing_bytes = passing_panels * WidthOf<Blocks>(!plan.rows_reside) * plan.depth * kSize;
  const bool beside = packs && (plan.rows_reside ? columns.beside : rows.beside);
  plan.together = deep || (beside && batch >= threads && passing_bytes <= kMostTogetherBytes);
  plan.shared = !packed && !few_rows && !plan.together && batch * passing_bytes <= kMostSharedBytes &&
                (batch < threads || least_row_tasks * least_column_tasks > 2);

  // The cut that ends first. Tasks are handed out one by one, so if there are more than threads, they even out.
  int64_t best = -1;
  const int64_t choices = batch >= 4 * threads ? 1 : AtMost(2 * threads, 16);
  const int64_t all_rows = plan.row_panels * Blocks::kRows, all_columns = plan.column_panels * Blocks::kColumns;
  // Of an element, in multiplications: what resides is packed, what passes by is fetched and perhaps packed, too.
  const int64_t resident_cost = Blocks::kPackingCost;
  const int64_t passing_cost = plan.shared || packed ? Blocks::kPackingCost / 2 : Blocks::kPackingCost * 3 / 2;
  const int64_t row_cost = plan.rows_reside ? resident_cost : passing_cost;
  const int64_t column_cost = plan.rows_reside ? passing_cost : resident_cost;
  const int64_t row_choices = few_rows ? 1 : choices;
  const int64_t column_choices = few_rows ? AtMost(2 * threads, passing_panels) : choices;
  for (int64_t i = 0; i < row_choices; i++) {
    const int64_t task_rows = CeilDivide(plan.row_panels, least_row_tasks + i);
    const int64_t row_tasks = CeilDivide(plan.row_panels, task_rows);
    for (int64_t j = 0; j < column_choices; j++) {
      const int64_t task_columns = CeilDivide(plan.column_panels, least_column_tasks + j);
      const int64_t column_tasks = CeilDivide(plan.column_panels, task_columns);
      const int64_t rows = task_rows * Blocks::kRows, columns = task_columns * Blocks::kColumns;
      const int64_t longest = rows * columns + rows * row_cost + columns * column_cost;
      const int64_t all = batch * (all_rows * all_columns + all_rows * column_tasks * row_cost +
                                   all_columns * row_tasks * column_cost);
      const int64_t tasks = batch * row_tasks * column_tasks, left = tasks % threads;
      const int64_t idle = left == 0 ? 0 : longest * (threads - left) / threads;
      const int64_t cost = tasks <= threads ? longest : all / threads + idle;
      if (best < 0 || cost < best) {
        best = cost;
        plan.task_rows = task_rows, plan.task_columns = task_columns;
        plan.row_tasks = row_tasks, plan.column_tasks = column_tasks;
      }
    }
  }
  return plan;
}

}  // namespace SIGLIP_ISA
}  // namespace siglip
