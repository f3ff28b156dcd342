#pragma once
#include <cvode/cvode.h>
#include <nvector/nvector_serial.h>
#include <sundials/sundials_context.h>
#include <sunnonlinsol/sunnonlinsol_fixedpoint.h>

static inline int csundials_adams(void) { return CV_ADAMS; }
static inline int csundials_normal(void) { return CV_NORMAL; }
