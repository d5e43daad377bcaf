// How a product is cut: blocks of c that one thread computes at a time, and who packs which operand.
#pragma once

#include "product-lines.h"

namespace siglip {
namespace SIGLIP_ISA {

inline int64_t CeilDivide(int64_t a, int64_t b) { return (a + b - 1) / b; }
inline int64_t AtLeast(int64_t a, int64_t b) { return a > b ? a : b; }
inline int64_t AtMost(int64_t a, int64_t b) { return a < b ? a : b; }

// Sums never depend on it: an element of c is added up by one thread in an order that m, n and k alone decide.
struct ProductPlan {
  int64_t m, n, k, batch;
  int64_t row_panels, column_panels;   // of a whole matrix
  int64_t depth_blocks, block_depth;   // k = depth_blocks · block_depth or less
  int64_t padded_depth;                // k, padded
  bool rows_shared, columns_shared;    // packed by all threads beforehand; else each task packs what it needs
  int64_t task_rows, task_columns;     // panels in a task
  int64_t row_tasks, column_tasks;     // tasks for a matrix

  int64_t tasks() const { return batch * row_tasks * column_tasks; }
};

// What stays in a core's second-level cache while the other operand streams by.
constexpr int64_t kResidentBytes = 1 << 20;
constexpr int64_t kSharedBytes = int64_t{1} << 28;
constexpr int64_t kSumsBytes = 2 << 20;

template <typename Blocks>
ProductPlan PlanProduct(int64_t m, int64_t n, int64_t k, int64_t batch, bool packed, int threads) {
  ProductPlan plan{};
  plan.m = m, plan.n = n, plan.k = k, plan.batch = batch;
  plan.row_panels = CeilDivide(m, Blocks::kRows);
  plan.column_panels = CeilDivide(n, Blocks::kColumns);
  plan.depth_blocks = AtLeast(1, CeilDivide(k, Blocks::kMostDepth));
  plan.block_depth = CeilDivide(CeilDivide(k, plan.depth_blocks), Blocks::kDepth) * Blocks::kDepth;
  plan.padded_depth = CeilDivide(k, Blocks::kDepth) * Blocks::kDepth;

  constexpr int64_t size = sizeof(typename Blocks::Element);
  const int64_t row_bytes = Blocks::kRows * plan.block_depth * size, column_bytes = Blocks::kColumns * plan.block_depth * size;
  const int64_t fit_rows = AtLeast(1, kResidentBytes / AtLeast(1, row_bytes));
  const int64_t fit_columns = AtLeast(1, kResidentBytes / AtLeast(1, column_bytes));
  // The larger operand is packed block by block into a cache, the smaller one streams by again and again.
  const bool rows_reside = packed || m > n;
  int64_t least_row_tasks = rows_reside ? CeilDivide(plan.row_panels, fit_rows) : 1;
  int64_t least_column_tasks = rows_reside ? 1 : CeilDivide(plan.column_panels, fit_columns);
  if (plan.depth_blocks > 1) {
    const int64_t fit = AtLeast(1, kSumsBytes / (Blocks::kRows * Blocks::kColumns * 4));
    if (rows_reside) {
      least_row_tasks = AtLeast(least_row_tasks, CeilDivide(plan.row_panels, AtLeast(1, fit / plan.column_panels)));
    } else {
      least_column_tasks = AtLeast(least_column_tasks, CeilDivide(plan.column_panels, AtLeast(1, fit / plan.row_panels)));
    }
    const int64_t rest = CeilDivide(CeilDivide(plan.row_panels, least_row_tasks) * CeilDivide(plan.column_panels, least_column_tasks), fit);
    if (rows_reside) least_column_tasks = AtLeast(least_column_tasks, AtMost(rest, plan.column_panels));
    else least_row_tasks = AtLeast(least_row_tasks, AtMost(rest, plan.row_panels));
  }

  const int64_t streamed = batch * plan.padded_depth * size *
                           (rows_reside ? plan.column_panels * Blocks::kColumns : plan.row_panels * Blocks::kRows);
  const bool share = streamed <= kSharedBytes && (batch == 1 || least_row_tasks * least_column_tasks > 2);
  plan.rows_shared = !rows_reside && share;
  plan.columns_shared = !packed && rows_reside && share;

  // The cut that ends first: rounds of tasks × (multiplying and packing) in one.
  int64_t best = -1;
  const int64_t most = batch >= 4 * threads ? 1 : AtMost(2 * threads, 16);
  for (int64_t i = 0; i < most; i++) {
    const int64_t task_rows = CeilDivide(plan.row_panels, least_row_tasks + i);
    const int64_t row_tasks = CeilDivide(plan.row_panels, task_rows);
    for (int64_t j = 0; j < most; j++) {
      const int64_t task_columns = CeilDivide(plan.column_panels, least_column_tasks + j);
      const int64_t column_tasks = CeilDivide(plan.column_panels, task_columns);
      const int64_t packing = (plan.rows_shared ? 0 : task_rows * Blocks::kRows) +
                              (plan.columns_shared || packed ? 0 : task_columns * Blocks::kColumns);
      const int64_t cost = CeilDivide(batch * row_tasks * column_tasks, threads) *
                           (task_rows * task_columns * Blocks::kRows * Blocks::kColumns + packing * Blocks::kPackingCost);
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
