#include "napi/runs.h"

#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <vector>

#include "napi/call.h"
#include "napi/values.h"
#include "program/engine.h"

namespace siglip {

// Runs of one thread of JavaScript wait here, not in libuv's few threads, which others need. One that JavaScript wants the results
// of at once doesn't wait for its turn: runs of one thread never read what another one of them writes.
struct AsyncRun {
  std::unique_ptr<Call> call;  // until it is finished
  napi_deferred deferred = nullptr;
  napi_async_work work = nullptr;

  // Whichever thread comes first runs it; returns once it has run.
  void Perform() {
    std::unique_lock<std::mutex> lock(mutex);
    if (state == kWaiting) {
      state = kRunning;
      lock.unlock();
      try {
        Run(call->execution);
      } catch (...) {
        error = std::current_exception();
      }
      lock.lock();
      state = kDone;
      done.notify_all();
    }
    done.wait(lock, [this] { return state == kDone; });
  }

  napi_value Finish(napi_env env) {
    if (call == nullptr) Fail("a run is finished twice");
    Perform();
    const std::unique_ptr<Call> own = std::move(call);
    const struct Released {
      ProgramReference &program;
      ~Released() { Release(program); }
    } released{own->execution.program};
    if (error != nullptr) std::rethrow_exception(error);
    return Results(env, own->execution);
  }

  void Forget() {
    if (call != nullptr) call->Forget();
  }

  static void Execute(napi_env, void *data) { static_cast<AsyncRun *>(data)->Perform(); }

  static void Complete(napi_env env, napi_status status, void *) {
    std::deque<std::shared_ptr<AsyncRun>> &queue = TheInstance(env).queue;
    const std::shared_ptr<AsyncRun> run = std::move(queue.front());
    queue.pop_front();
    napi_delete_async_work(env, run->work);
    if (status == napi_cancelled) {
      run->Forget();
      return;
    }
    if (!queue.empty()) napi_queue_async_work(env, queue.front()->work);
    napi_value nothing = nullptr;
    napi_get_undefined(env, &nothing);
    napi_resolve_deferred(env, run->deferred, nothing);
  }

 private:
  std::mutex mutex;
  std::condition_variable done;
  enum { kWaiting, kRunning, kDone } state = kWaiting;
  std::exception_ptr error;
};

namespace {

constexpr napi_type_tag kRunTag = {0x7369676c69702d74, 0x72756e2d6173796e};

}  // namespace

napi_value RunNow(napi_env env, napi_callback_info info) {
  const std::unique_ptr<Call> call = ToCall(env, info, true);
  Run(call->execution);
  return Results(env, call->execution);
}

napi_value Profile(napi_env env, napi_callback_info info) {
  const std::unique_ptr<Call> call = ToCall(env, info, false);
  std::vector<double> milliseconds;
  call->execution.milliseconds = &milliseconds;
  Run(call->execution);
  return List(env, milliseconds, [env](double time) { return Number(env, time); });
}

napi_value Start(napi_env env, napi_callback_info info) {
  auto run = std::make_shared<AsyncRun>();
  run->call = ToCall(env, info, false);
  const napi_value started = NewObject(env);
  napi_value promise, external;
  Check(napi_create_async_work(env, nullptr, Text(env, "siglip"), AsyncRun::Execute, AsyncRun::Complete, run.get(), &run->work),
        "a run");
  Check(napi_create_promise(env, &run->deferred, &promise), "a promise");
  // What is not finished is left over when JavaScript ends.
  const auto finalize = [](napi_env, void *data, void *) {
    const std::unique_ptr<std::shared_ptr<AsyncRun>> run(static_cast<std::shared_ptr<AsyncRun> *>(data));
    (*run)->Forget();
  };
  auto reference = std::make_unique<std::shared_ptr<AsyncRun>>(run);
  Check(napi_create_external(env, reference.get(), finalize, nullptr, &external), "a run");
  reference.release();
  Check(napi_type_tag_object(env, external, &kRunTag), "a run");
  Set(env, started, "run", external);
  Set(env, started, "ended", promise);
  std::deque<std::shared_ptr<AsyncRun>> &queue = TheInstance(env).queue;
  queue.push_back(std::move(run));
  if (queue.size() == 1) Check(napi_queue_async_work(env, queue.front()->work), "a run");
  return started;
}

napi_value Finish(napi_env env, napi_callback_info info) {
  void *const run = Untagged(env, Arguments<1>(env, info)[0], kRunTag, "a run of the engine");
  return (*static_cast<std::shared_ptr<AsyncRun> *>(run))->Finish(env);
}

void ForgetRuns(Instance &instance) {
  for (const std::shared_ptr<AsyncRun> &run : instance.queue) run->Forget();
}

}  // namespace siglip
