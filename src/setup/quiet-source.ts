/**
 * An addon that exports nothing: while it is loaded it loads TensorFlow's framework library, which prints notices from its
 * static initialisers, before any environment variable or call can reach its log. For that moment stderr leads nowhere;
 * afterwards the log's own level keeps it silent.
 */
export const QUIET_SOURCE = `
#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>
#include <cstdlib>
#include <mutex>
#include <string>
#include <node_api.h>

// absl::SetMinLogLevel(absl::LogSeverityAtLeast) of the Abseil inside TensorFlow 2.21
static const char *const kSetMinLogLevel = "_ZN4absl12lts_2025081414SetMinLogLevelENS0_18LogSeverityAtLeastE";
static const char *const kFatal = "3";

static void LoadQuietly() {
  Dl_info self;
  if (dladdr(reinterpret_cast<const void *>(&kSetMinLogLevel), &self) == 0) return;
  const std::string here(self.dli_fname);
  const std::string framework = here.substr(0, here.rfind('/') + 1) + FRAMEWORK;

  const int kept = dup(STDERR_FILENO);
  const int nowhere = open("/dev/null", O_WRONLY);
  if (kept >= 0 && nowhere >= 0) dup2(nowhere, STDERR_FILENO);
  void *library = dlopen(framework.c_str(), RTLD_NOW);
  if (kept >= 0) {
    dup2(kept, STDERR_FILENO);
    close(kept);
  }
  if (nowhere >= 0) close(nowhere);

  if (library == nullptr) return;
  void *set_min_log_level = dlsym(library, kSetMinLogLevel);
  const char *asked = std::getenv("TF_CPP_MIN_LOG_LEVEL");
  const int level = std::atoi(asked != nullptr ? asked : kFatal);
  if (set_min_log_level != nullptr) reinterpret_cast<void (*)(int)>(set_min_log_level)(level);
}

NAPI_MODULE_INIT() {
  static std::once_flag once;  // and not once more for each worker thread
  std::call_once(once, LoadQuietly);
  return exports;
}
`
