// What one thread of JavaScript has of its own, and the programs that it keeps.
#pragma once

#include <node_api.h>

#include <deque>
#include <memory>

#include "program/program.h"
#include "tensorflow/tensor-handles.h"

namespace siglip {

struct AsyncRun;

struct Instance {
  napi_ref handles_reference = nullptr;  // keeps them
  const TensorHandles *handles = nullptr;
  std::deque<std::shared_ptr<AsyncRun>> queue;
};

Instance &TheInstance(napi_env env);

// Throws unless the engine is attached to a backend.
const TensorHandles &Handles(napi_env env);

// What JavaScript's external value of a program points at; null once it is disposed of.
using ProgramReference = std::shared_ptr<Program>;
constexpr napi_type_tag kProgramTag = {0x7369676c69702d74, 0x70726f6772616d31};

ProgramReference &ToProgram(napi_env env, napi_value value);

// Gives a reference up, and the memory that no other program needs.
void Release(ProgramReference &program);

}  // namespace siglip
