// How a product is cut. A task is a block of c. It packs the block's part of the larger operand for its core's second-level
// cache, where it resides while the panels of the other operand pass by, a slice of a panel at a time.
#pragma once

#include "product-lines.h"

namespace siglip {
namespace SIGLIP_ISA {

inline int64_t CeilDivide(int64_t a, int64_t b) { return (a + b - 1) / b; }
inline int64_t AtLeast(int64_t a, int64_t b) { return a > b ? a : b; }
inline int64_t AtMost(int64_t a, int64_t b) { return a < b ? a : b; }

// Sums never depend on it: an element of c is added up by one thread in an order that k alone decides.
struct ProductPlan {
  int64_t batch;
  int64_t row_panels, column_panels;     // of a matrix
  int64_t depth, slice;                  // k, padded; what is multiplied at a time
  bool rows_reside;                      // or the columns
  bool shared;                           // what passes by is packed by all threads beforehand, else by each task
  int64_t task_rows, task_columns;       // panels in a task
  int64_t row_tasks, column_tasks;       // tasks in a matrix

  int64_t tasks() const { return batch * row_tasks * column_tasks; }
};

constexpr int64_t kResidentBytes = 5 << 18;
constexpr int64_t kFewestResidentLines = 96;
constexpr int64_t kMostSharedBytes = int64_t{1} << 28;

template <typename Blocks>
ProductPlan PlanProduct(int64_t m, int64_t n, int64_t k, int64_t batch, bool packed, int threads) {
  ProductPlan plan{};
  plan.batch = batch;
  plan.row_panels = CeilDivide(m, Blocks::kRows);
  plan.column_panels = CeilDivide(n, Blocks::kColumns);
  plan.depth = CeilDivide(k, Blocks::kDepth) * Blocks::kDepth;
  const int64_t slices = AtLeast(1, CeilDivide(k, Blocks::kSlice));
  plan.slice = CeilDivide(CeilDivide(k, slices), Blocks::kDepth) * Blocks::kDepth;
  plan.rows_reside = packed || m > n;

  const int64_t width = plan.rows_reside ? Blocks::kRows : Blocks::kColumns;
  const int64_t line_bytes = AtLeast(1, plan.depth * static_cast<int64_t>(sizeof(typename Blocks::Element)));
  const int64_t resident = CeilDivide(AtLeast(kFewestResidentLines, kResidentBytes / line_bytes), width);
  const int64_t least_row_tasks = plan.rows_reside ? CeilDivide(plan.row_panels, resident) : 1;
  const int64_t least_column_tasks = plan.rows_reside ? 1 : CeilDivide(plan.column_panels, resident);

  const int64_t passing = plan.rows_reside ? plan.column_panels * Blocks::kColumns : plan.row_panels * Blocks::kRows;
  plan.shared = !packed && batch * passing * line_bytes <= kMostSharedBytes &&
                (batch < threads || least_row_tasks * least_column_tasks > 2);

  // The cut that ends first: rounds of tasks × (multiplying and packing) in one.
  int64_t best = -1;
  const int64_t choices = batch >= 4 * threads ? 1 : AtMost(2 * threads, 16);
  for (int64_t i = 0; i < choices; i++) {
    const int64_t task_rows = CeilDivide(plan.row_panels, least_row_tasks + i);
    const int64_t row_tasks = CeilDivide(plan.row_panels, task_rows);
    for (int64_t j = 0; j < choices; j++) {
      const int64_t task_columns = CeilDivide(plan.column_panels, least_column_tasks + j);
      const int64_t column_tasks = CeilDivide(plan.column_panels, task_columns);
      const int64_t rows = task_rows * Blocks::kRows, columns = task_columns * Blocks::kColumns;
      const int64_t own = plan.shared || packed ? (plan.rows_reside ? rows : columns) : rows + columns;
      const int64_t rounds = CeilDivide(batch * row_tasks * column_tasks, threads);
      const int64_t cost = rounds * (rows * columns + own * Blocks::kPackingCost);
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
