// What the C library offers and Swift cannot say: the CPU check before main, signal flags, the processor's name.
#pragma once

/// The x86-64 level (2, 3, 4) this program was built for; 0 means no requirement.
int cplatform_built_level(void);
