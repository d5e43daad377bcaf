#define SIGLIP_EMULATED_AMX
#include "emulated.h"

#include "../../native/kernels-amx.cc"
