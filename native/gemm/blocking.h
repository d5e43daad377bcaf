// Blocking, in BLIS's words. c is cut into micro-tiles of mr × nr sums. An A panel is mr rows of a, packed; a B panel is nr columns
// of b. A task is mc × nc of c. It packs its panels of one operand for its core's second-level cache, where they stay (`cached`),
// and streams the panels of the other past them, kc deep at a time (`streamed`). BLIS caches A; where B is cached, roles are
// swapped. If k is large, panels are packed `packed_k` deep at a time, some kc. Where one operand is small there are no tasks: all
// of it is cached, and threads claim panels of the other.
//
// However c is cut, an element is one sum over k from its start to its end, kc after kc, in one thread. So a row of c has the same
// bits whatever rows are beside it, wherever it stands and however many threads there are, and nothing of a row reaches another.
#pragma once

#include "gemm/pack.h"

namespace siglip {
namespace SIGLIP_ISA {

inline int64_t CeilDivide(int64_t a, int64_t b) { return (a + b - 1) / b; }
// n in as many parts, each but the last a multiple of `unit`: how large these are.
inline int64_t PartOf(int64_t n, int64_t parts, int64_t unit) { return RoundUp(CeilDivide(n, parts), unit); }
inline int64_t Max(int64_t a, int64_t b) { return a > b ? a : b; }
inline int64_t Min(int64_t a, int64_t b) { return a < b ? a : b; }

struct GemmPlan {
  int64_t batch, m, n;
  int64_t a_panels, b_panels;    // of a matrix
  int64_t depth, packed_k, kc;   // k padded to the microkernel's kr; how much of it is packed and multiplied at a time
  bool a_cached;                 // or b
  bool shared;                   // all threads pack the streamed operand beforehand; else each task does,
  bool together;                 // one panel after the other or all panels of a `packed_k` together
  int64_t mc_panels, nc_panels;  // panels in a task
  int64_t m_tasks, n_tasks;      // tasks in a matrix
  bool claimed;                  // no tasks: threads claim streamed panels; packed_k is all of k

  int64_t cached_panels() const { return a_cached ? a_panels : b_panels; }
  int64_t streamed_panels() const { return a_cached ? b_panels : a_panels; }
  int64_t tasks() const { return batch * m_tasks * n_tasks; }
};

constexpr int64_t kCachedBytes = 10 << 17;
constexpr int64_t kMaxSumsBytes = 4 << 20;
constexpr int64_t kMaxSharedBytes = int64_t{1} << 28;
constexpr int64_t kMaxTogetherBytes = 1 << 20;
constexpr int64_t kMaxDeepSums = 1 << 18;
constexpr int64_t kMaxClaimedBytes = 4 << 20;  // of the cached operand: in the third-level cache if not in the second
constexpr int64_t kClaimedAtOnce = 1 << 16;    // bytes

// Lines in an A or a B panel.
template <typename Microkernel>
constexpr int64_t WidthOf(bool is_a) {
  return is_a ? Microkernel::kMr : Microkernel::kNr;
}

// How the lines of an operand lie. Along: one element of a line beside the next, so that a panel can be prefetched while others are
// multiplied. Beside: one line beside the next, so that many panels are packed as fast as they come from memory.
struct Layout {
  bool along, beside;
};

// The cut into tasks that ends first. They are handed out one by one, so more tasks than threads even out.
template <typename Microkernel>
void ChooseTasks(GemmPlan &plan, bool packed, bool few_rows, int64_t min_m_tasks, int64_t min_n_tasks, int threads) {
  int64_t best = -1;
  const int64_t choices = plan.batch >= 4 * threads ? 1 : Min(2 * threads, 16);
  const int64_t m = plan.a_panels * Microkernel::kMr, n = plan.b_panels * Microkernel::kNr;
  // Of an element, in multiplications: the cached operand is packed, the streamed one is prefetched and perhaps packed, too.
  const int64_t cached_cost = Microkernel::kPackingCost;
  const int64_t streamed_cost = plan.shared || packed ? Microkernel::kPackingCost / 2 : Microkernel::kPackingCost * 3 / 2;
  const int64_t a_cost = plan.a_cached ? cached_cost : streamed_cost;
  const int64_t b_cost = plan.a_cached ? streamed_cost : cached_cost;
  const int64_t m_choices = few_rows ? 1 : choices;
  const int64_t n_choices = few_rows ? Min(2 * threads, plan.streamed_panels()) : choices;
  for (int64_t i = 0; i < m_choices; i++) {
    const int64_t mc_panels = CeilDivide(plan.a_panels, min_m_tasks + i);
    const int64_t m_tasks = CeilDivide(plan.a_panels, mc_panels);
    for (int64_t j = 0; j < n_choices; j++) {
      const int64_t nc_panels = CeilDivide(plan.b_panels, min_n_tasks + j);
      const int64_t n_tasks = CeilDivide(plan.b_panels, nc_panels);
      const int64_t mc = mc_panels * Microkernel::kMr, nc = nc_panels * Microkernel::kNr;
      const int64_t longest = mc * nc + mc * a_cost + nc * b_cost;
      const int64_t all = plan.batch * (m * n + m * n_tasks * a_cost + n * m_tasks * b_cost);
      const int64_t tasks = plan.batch * m_tasks * n_tasks, left = tasks % threads;
      const int64_t idle = left == 0 ? 0 : longest * (threads - left) / threads;
      const int64_t cost = tasks <= threads ? longest : all / threads + idle;
      if (best < 0 || cost < best) {
        best = cost;
        plan.mc_panels = mc_panels, plan.nc_panels = nc_panels;
        plan.m_tasks = m_tasks, plan.n_tasks = n_tasks;
      }
    }
  }
}

// packed: b is packed beforehand.
template <typename Microkernel>
GemmPlan PlanGemm(int64_t m, int64_t n, int64_t k, int64_t batch, bool packed, Layout a, Layout b, int threads) {
  GemmPlan plan{};
  plan.batch = batch, plan.m = m, plan.n = n;
  plan.depth = RoundUp(k, Microkernel::kKr);
  // Gradients of weights: both operands are packed so thin that the second-level cache holds them beside the sums.
  const bool packs = Microkernel::kPacksMany && !packed;
  const bool deep = packs && a.beside && b.beside && k >= 4 * Max(m, n) && m * n <= kMaxDeepSums;
  const int64_t parts = Max(1, CeilDivide(k, deep ? Microkernel::kDeepPackedK : Microkernel::kMaxPackedK));
  const int64_t kc_steps = Max(1, CeilDivide(CeilDivide(k, parts), Microkernel::kKc));
  plan.kc = Max(1, PartOf(k, parts * kc_steps, Microkernel::kKr));
  plan.packed_k = plan.kc * kc_steps;
  plan.a_panels = CeilDivide(m, Microkernel::kMr);
  plan.b_panels = CeilDivide(n, Microkernel::kNr);
  constexpr int64_t kSize = sizeof(typename Microkernel::Element), kSumsBytes = Microkernel::kMr * Microkernel::kNr * 4;
  plan.a_cached = m <= n;  // the smaller operand, if all of it is cached
  const int64_t smaller_bytes = plan.cached_panels() * WidthOf<Microkernel>(plan.a_cached) * plan.depth * kSize;
  const bool larger_along = plan.a_cached ? b.along : a.along;
  if (packs && batch == 1 && k > 0 && larger_along && plan.streamed_panels() >= 4 * threads && smaller_bytes <= kMaxClaimedBytes) {
    plan.claimed = true;
    plan.packed_k = plan.depth;
    plan.kc = PartOf(k, CeilDivide(k, Microkernel::kKc), Microkernel::kKr);
    return plan;
  }
  // All rows at once leave each column to one task, which packs it while the next one is prefetched.
  const bool few_rows = batch == 1 && m <= n && b.along && plan.b_panels >= threads &&
                        plan.a_panels * Microkernel::kMr * plan.packed_k * kSize <= kCachedBytes;
  plan.a_cached = packed || few_rows || m > n;
  const int64_t panels = plan.cached_panels(), streamed_panels = plan.streamed_panels(),
                width = WidthOf<Microkernel>(plan.a_cached);
  const int64_t panel_bytes = width * (plan.packed_k * kSize + (deep ? Min(m, n) * 4 : 0));
  const int64_t fit = Max(1, kCachedBytes / panel_bytes);
  const int64_t min_tasks = CeilDivide(panels, fit);
  const int64_t max_sums = Max(1, kMaxSumsBytes / kSumsBytes / CeilDivide(panels, min_tasks));
  const int64_t min_streamed_tasks = plan.packed_k < plan.depth ? CeilDivide(streamed_panels, max_sums) : 1;

  const int64_t streamed_bytes = streamed_panels * WidthOf<Microkernel>(!plan.a_cached) * plan.depth * kSize;
  const bool beside = packs && (plan.a_cached ? b.beside : a.beside);
  plan.together = deep || (beside && batch >= threads && streamed_bytes <= kMaxTogetherBytes);
  plan.shared = !packed && !few_rows && !plan.together && batch * streamed_bytes <= kMaxSharedBytes &&
                (batch < threads || min_tasks * min_streamed_tasks > 2);
  ChooseTasks<Microkernel>(plan, packed, few_rows, plan.a_cached ? min_tasks : min_streamed_tasks,
                           plan.a_cached ? min_streamed_tasks : min_tasks, threads);
  return plan;
}

}  // namespace SIGLIP_ISA
}  // namespace siglip
