#define SIGLIP_EMULATED_AMX
#include "emulated.h"

#include "kernels/amx.cc"
