// Programs are read, checked and run without a host: its tensors are plain memory here.
#include <stdexcept>

#include "arrays.h"
#include "program/engine.h"
#include "program/errors.h"
#include "program/ops.h"

namespace {

using siglip::BufferKind;
using siglip::DType;
using siglip::StepKind;
using siglip::Tensor;

Tensor PlainTensor(DType dtype, size_t bytes) {
  const auto memory = std::make_shared<std::vector<char>>(bytes);
  return {std::shared_ptr<void>(memory, memory->data()), memory->data(), bytes, dtype};
}
Tensor Allocate(DType dtype, const std::vector<int64_t> &, size_t bytes, bool) { return PlainTensor(dtype, bytes); }

Tensor Floats(const std::vector<float> &values) {
  const Tensor tensor = PlainTensor(DType::kFloat32, values.size() * 4);
  std::memcpy(tensor.data, values.data(), tensor.bytes);
  return tensor;
}

double Word(BufferKind kind) { return static_cast<double>(kind); }
double Word(StepKind kind) { return static_cast<double>(kind); }
double Word(DType dtype) { return static_cast<double>(dtype); }

// [2, 3] · [3, 2] of two arguments.
std::vector<double> ProductProgram() {
  const double f = Word(DType::kFloat32);
  // clang-format off
  return {siglip::kEncodingVersion, 0,
          3, Word(BufferKind::kArgument), 0, Word(BufferKind::kArgument), 1, Word(BufferKind::kResult), 0, f, 0, -1, 2, 2, 2,
          1, Word(StepKind::kProduct),
          0, 0, f, 2, 2, 3, 3, 1,
          1, 0, f, 2, 3, 2, 2, 1,
          2, 0, f, 2, 2, 2, 2, 1,
          f, 1, 0, 0, 0, 0};
  // clang-format on
}

std::shared_ptr<siglip::Program> ProgramOf(const std::vector<double> &words) {
  siglip::ProgramSource source;
  source.words = words.data();
  source.word_count = words.size();
  return std::make_shared<siglip::Program>(source);
}

template <typename Run>
std::string MessageOf(const Run &run) {
  try {
    run();
  } catch (const std::exception &error) {
    return error.what();
  }
  return "";
}

TEST(AProductRuns) {
  siglip::SetThreads(2);
  for (const siglip::Kernels *kernels : siglip::Info().usable) {
    siglip::SetKernels(kernels->name);
    test::Context() = kernels->name;
    siglip::Execution execution;
    execution.program = ProgramOf(ProductProgram());
    execution.arguments = {Floats({1, 2, 3, 4, 5, 6}), Floats({1, 0, 0, 1, 1, 1})};
    execution.allocate = Allocate;
    siglip::CheckTensors(execution);
    siglip::Run(execution);
    CHECK(execution.results.size() == 1);
    const float *const values = static_cast<const float *>(execution.results[0].data);
    const float expected[] = {4, 5, 10, 11};
    for (int i = 0; i < 4; i++) CHECK_WITH(values[i] == expected[i], test::Found(values[i], expected[i]));
  }
  siglip::Trim();
}

TEST(TensorsAreChecked) {
  siglip::Execution execution;
  execution.program = ProgramOf(ProductProgram());
  execution.arguments = {Floats({1, 2, 3, 4, 5, 6}), Floats({1, 0, 0, 1})};
  CHECK(MessageOf([&] { siglip::CheckTensors(execution); }) == "argument 1 has 16 bytes, not 24");
  execution.arguments[1] = PlainTensor(DType::kInt32, 24);
  CHECK(MessageOf([&] { siglip::CheckTensors(execution); }) == "argument 1 is int32, not float32");
  execution.arguments[1].dtype.reset();
  CHECK(MessageOf([&] { siglip::CheckTensors(execution); }) == "argument 1 is another type, not float32");
}

// A program with any word changed or cut off is read or refused, never a crash.
TEST(WrongProgramsAreRefused) {
  const std::vector<double> words = ProductProgram();
  CHECK(MessageOf([&] { ProgramOf(words); }).empty());
  const double wrong[] = {-1, 0, 1, 2, 7, 100, 1e9, 1e18, -1e18, 0.5, NAN, INFINITY};
  int refused = 0;
  for (size_t i = 0; i < words.size(); i++) {
    const std::vector<double> cut(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(i));
    CHECK(!MessageOf([&] { ProgramOf(cut); }).empty());
    for (const double word : wrong) {
      std::vector<double> changed = words;
      changed[i] = word;
      refused += MessageOf([&] { ProgramOf(changed); }).empty() ? 0 : 1;
    }
  }
  CHECK(refused > 300);
  std::vector<double> host = ProductProgram();
  host[16] = Word(StepKind::kHost);
  CHECK(MessageOf([&] { ProgramOf(host); }) == "step 0: no operations of a host run here");
}

TEST(MemoryThatRunsOut) {
  siglip::Block block;
  CHECK(MessageOf([&] { block.Ensure(size_t{1} << 60); }) == "there is not enough memory");
  CHECK(block.data() == nullptr && block.bytes() == 0);
}

TEST(ThreadsThrowWhatATaskThrows) {
  siglip::Threads threads(3);
  for (int round = 0; round < 50; round++) {
    std::vector<int> done(100);
    siglip::ParallelFor(threads, 100,
                        [&](int64_t task, int thread) { done[static_cast<size_t>(task)] += 1 + (thread >= threads.count()); });
    for (const int times : done) CHECK(times == 1);
    const auto failing = [&](int64_t task, int) {
      if (task == 17) throw std::runtime_error("17");
    };
    CHECK(MessageOf([&] { siglip::ParallelFor(threads, 100, failing); }) == "17");
  }
}

}  // namespace
