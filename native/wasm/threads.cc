// The engine's threads where there is one: the caller.
#include "program/threads.h"

#include "program/memory.h"

namespace siglip {

struct Threads::Pool {
  Block scratch, shared;
};

Threads::Threads(int) : pool_(new Pool), count_(1) {}

Threads::~Threads() { delete pool_; }

void Threads::Run(int64_t tasks, void (*work)(void *context, int64_t task, int thread), void *context) {
  for (int64_t task = 0; task < tasks; ++task) work(context, task, 0);
}

void *Threads::Scratch(int, size_t bytes) { return pool_->scratch.Ensure(bytes); }

void *Threads::Shared(size_t bytes) { return pool_->shared.Ensure(bytes); }

}  // namespace siglip
