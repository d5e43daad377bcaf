// The engine's threads. The caller is one of them. Between two kernels they spin for a moment, then sleep.
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

  // Calls work(context, task, thread) for each task < tasks; `thread` < count() runs it. Tasks are handed out in
  // order, one at a time; a kernel whose result depends on which thread adds up what uses one task a thread.
  void Run(int64_t tasks, void (*work)(void *context, int64_t task, int thread), void *context);

  // At least `bytes` of the thread's own memory, aligned to 4096; valid until the next call. It grows and is never cleared.
  void *Scratch(int thread, size_t bytes);
  // The same, for all threads of one kernel.
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
