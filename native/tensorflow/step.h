// Operations without a kernel of their own, run by TensorFlow in a context of the engine's.
#pragma once

#include <memory>

#include "program/reader.h"
#include "program/steps.h"

namespace siglip {

// ProgramSource::read_host_step.
std::unique_ptr<Step> ReadTensorFlowStep(Program &program, ProgramReader &reader);

}  // namespace siglip
