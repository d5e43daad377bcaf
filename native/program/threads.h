// The engine's threads: the caller is one of them. They spin for a moment between two kernels, then sleep.
#pragma once

#include <cstddef>
#include <cstdint>

namespace siglip {

class Threads {
 public:
  explicit Threads(int count);
  ~Threads();
  Threads(const Threads &) = delete;
  Threads &operator=(const Threads &) = delete;

  int count() const { return count_; }

  // Calls work(context, task, thread) for each task < tasks; `thread` < count() says who runs it. Tasks are handed out in
  // order, one at a time; a kernel whose result depends on who adds up what must use one task a thread.
  void Run(int64_t tasks, void (*work)(void *context, int64_t task, int thread), void *context);

  // At least `bytes` of memory of that thread's own, aligned to 4096; valid until it is asked for again. Kept and grown, never cleared.
  void *Scratch(int thread, size_t bytes);
  // The same, shared by all threads of one kernel.
  void *Shared(size_t bytes);

 private:
  struct Pool;
  Pool *pool_;
  int count_;
};

template <typename Work>
void ParallelFor(Threads &threads, int64_t tasks, const Work &work) {
  threads.Run(
      tasks, [](void *context, int64_t task, int thread) { (*static_cast<const Work *>(context))(task, thread); },
      const_cast<Work *>(&work));
}

}  // namespace siglip
