#pragma once
#include <cvode/cvode.h>
#include <nvector/nvector_serial.h>
#include <sundials/sundials_context.h>
#include <sundials/sundials_version.h>
#include <sunnonlinsol/sunnonlinsol_fixedpoint.h>

static inline int csundials_adams(void) { return CV_ADAMS; }
static inline int csundials_one_step(void) { return CV_ONE_STEP; }

/* Failures come back as return codes; the library must not write to standard error itself. */
static inline void csundials_ignore_message(
    int code, const char *module, const char *function, char *message, void *user) {
    (void)code; (void)module; (void)function; (void)message; (void)user;
}
static inline int csundials_silence(void *memory) {
    return CVodeSetErrHandlerFn(memory, csundials_ignore_message, NULL);
}
