#pragma once
// Batteries of tests of random numbers (Debian non-free: libtestu01-0-dev), for Tests/RandomQuality alone.
#include <testu01/bbattery.h>
#include <testu01/swrite.h>
#include <testu01/unif01.h>
