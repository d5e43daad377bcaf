#include "program/threads.h"

#include <atomic>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "program/denormals.h"
#include "program/memory.h"

namespace siglip {
namespace {

void Pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// About 50 µs: longer than between two kernels, too short to be seen in an idle process.
constexpr int kSpins = 1500;

}  // namespace

// A run is `open` while it has tasks to hand out; a worker first counts itself as active, then looks whether the run is still
// open, and the caller closes it before it waits for the active ones. In one total order (the atomics' default) one of
// the two always sees the other: no worker touches a run that has ended, and a sleeping worker is not waited for.
struct Threads::Pool {
  std::atomic<uint64_t> open{0};  // the number of the run, or 0
  std::atomic<int64_t> next{0};
  std::atomic<int> active{0};
  std::atomic<int> sleeping{0};
  std::atomic<bool> stop{false};
  uint64_t runs = 0;
  int64_t tasks = 0;
  void (*work)(void *, int64_t, int) = nullptr;
  void *context = nullptr;

  std::mutex mutex;
  std::condition_variable wake;
  std::exception_ptr error;  // the first one of a run
  std::vector<std::thread> workers;
  std::vector<Block> scratch;
  Block shared;

  // An exception of a task ends the run, not the thread: tasks under way are completed, then the caller throws it.
  void Drain(int thread) {
    try {
      for (int64_t task; (task = next.fetch_add(1, std::memory_order_relaxed)) < tasks;) work(context, task, thread);
    } catch (...) {
      next.store(tasks, std::memory_order_relaxed);
      const std::lock_guard<std::mutex> lock(mutex);
      if (error == nullptr) error = std::current_exception();
    }
  }

  bool HasWork(uint64_t seen) const {
    const uint64_t run = open.load();
    return run != 0 && run != seen;
  }

  void Sleep(uint64_t seen) {
    std::unique_lock<std::mutex> lock(mutex);
    sleeping.fetch_add(1);
    wake.wait(lock, [&] { return stop.load() || HasWork(seen); });
    sleeping.fetch_sub(1);
  }

  void Loop(int thread) {
    const FlushDenormals flush;
    uint64_t seen = 0;
    while (!stop.load(std::memory_order_relaxed)) {
      for (int spin = 0; spin < kSpins && !HasWork(seen); ++spin) Pause();
      if (!HasWork(seen)) Sleep(seen);
      active.fetch_add(1);
      const uint64_t run = open.load();
      if (run != 0 && run != seen) {
        Drain(thread);
        seen = run;
      }
      active.fetch_sub(1);
    }
  }

  void WakeSleepers() {
    if (sleeping.load() == 0) return;
    { const std::lock_guard<std::mutex> lock(mutex); }  // none is between its last look and its sleep
    wake.notify_all();
  }
};

Threads::Threads(int count) : pool_(new Pool), count_(count < 1 ? 1 : count) {
  for (int thread = 1; thread < count_; ++thread) {
    try {
      pool_->workers.emplace_back([pool = pool_, thread] { pool->Loop(thread); });
    } catch (const std::system_error &) {
      count_ = thread;  // the system allows no more
    }
  }
  for (int thread = 0; thread < count_; ++thread) pool_->scratch.emplace_back();
}

Threads::~Threads() {
  pool_->stop = true;
  { const std::lock_guard<std::mutex> lock(pool_->mutex); }
  pool_->wake.notify_all();
  for (std::thread &worker : pool_->workers) worker.join();
  delete pool_;
}

void Threads::Run(int64_t tasks, void (*work)(void *context, int64_t task, int thread), void *context) {
  if (tasks <= 1 || count_ == 1) {
    for (int64_t task = 0; task < tasks; ++task) work(context, task, 0);
    return;
  }
  Pool &pool = *pool_;
  pool.tasks = tasks;
  pool.work = work;
  pool.context = context;
  pool.next.store(0, std::memory_order_relaxed);
  pool.open.store(++pool.runs);
  pool.WakeSleepers();
  pool.Drain(0);
  pool.open.store(0);
  for (int spin = 0; pool.active.load() != 0; ++spin) {
    if (spin < kSpins) Pause();
    else std::this_thread::yield();  // there may be more threads than processors
  }
  if (pool.error != nullptr) std::rethrow_exception(std::exchange(pool.error, nullptr));
}

void *Threads::Scratch(int thread, size_t bytes) { return pool_->scratch[static_cast<size_t>(thread)].Ensure(bytes); }

void *Threads::Shared(size_t bytes) { return pool_->shared.Ensure(bytes); }

}  // namespace siglip
