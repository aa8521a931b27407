// Quantities in text are exact in both directions.
#include "engine/quantity.h"

#include <gtest/gtest.h>

#include <random>

#include "kernel/error.h"

namespace heddle {
namespace {

std::string error_of(std::string_view text, const Units& units) {
  try {
    parse_quantity(text, units);
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Quantity, ReadsEveryUnitExactly) {
  EXPECT_EQ(parse_quantity("400 Gbps", rate_units()), 400'000'000'000U);
  EXPECT_EQ(parse_quantity("106.25 Gbps", rate_units()), 106'250'000'000U);
  EXPECT_EQ(parse_quantity("1.6 Tbps", rate_units()), 1'600'000'000'000U);
  EXPECT_EQ(parse_quantity("7 bps", rate_units()), 7U);
  EXPECT_EQ(parse_quantity("2.5 Kbps", rate_units()), 2500U);
  EXPECT_EQ(parse_quantity("64 MiB", byte_units()), 64U << 20);
  EXPECT_EQ(parse_quantity("64MiB", byte_units()), 64U << 20);
  EXPECT_EQ(parse_quantity("  1.5   KiB ", byte_units()), 1536U);
  EXPECT_EQ(parse_quantity("8.192 MB", byte_units()), 8'192'000U);
  EXPECT_EQ(parse_quantity("2 us", duration_units()), 2'000'000U);
  EXPECT_EQ(parse_quantity("0.001 ns", duration_units()), 1U);
  EXPECT_EQ(parse_quantity("0 ns", duration_units()), 0U);
  EXPECT_EQ(parse_quantity("1.0000000000000000000000000 s", duration_units()), 1'000'000'000'000U);
  EXPECT_EQ(parse_quantity("1 GHz", frequency_units()), 1'000'000'000U);
  EXPECT_EQ(parse_quantity("18446744073709551615 B", byte_units()), ~std::uint64_t{0});
}

TEST(Quantity, NamesTheValidUnits) {
  EXPECT_EQ(error_of("5", byte_units()),
            "'5' has no unit; valid units are B, KB, KiB, MB, MiB, GB, GiB");
  EXPECT_EQ(error_of("5 us", rate_units()),
            "'5 us' has unknown unit 'us'; valid units are bps, Kbps, Mbps, Gbps, Tbps");
  EXPECT_EQ(error_of("5 Sec", duration_units()),
            "'5 Sec' has unknown unit 'Sec'; valid units are ps, ns, us, ms, s");
}

TEST(Quantity, RejectsWhatIsNoExactValue) {
  EXPECT_EQ(error_of("0.3 B", byte_units()), "'0.3 B' is not a whole number of B");
  EXPECT_EQ(error_of("0.1 KiB", byte_units()), "'0.1 KiB' is not a whole number of B");
  EXPECT_EQ(error_of("1.0001 ns", duration_units()), "'1.0001 ns' is not a whole number of ps");
  EXPECT_EQ(error_of("-1 ns", duration_units()), "'-1 ns' is negative");
  EXPECT_EQ(error_of("1e30 B", byte_units()), "'1e30 B' has an exponent; write the number out");
  EXPECT_EQ(error_of("2E-6 s", duration_units()), "'2E-6 s' has an exponent; write the number out");
  EXPECT_EQ(error_of("18446744073709551616 B", byte_units()),
            "'18446744073709551616 B' has too many digits");
  EXPECT_EQ(error_of("99999999999999 GiB", byte_units()), "'99999999999999 GiB' is too large");
  for (const char* text : {"", " ", "B", ".5 B", "5. B", "1.2.3 B", "+5 B", "nan B", "0x10 B"}) {
    EXPECT_NE(error_of(text, byte_units()), "no error") << "for '" << text << "'";
  }
}

TEST(Quantity, PrintsTheShortestExactSpelling) {
  EXPECT_EQ(print_quantity(106'250'000'000, rate_units()), "106.25 Gbps");
  EXPECT_EQ(print_quantity(65536, byte_units()), "64 KiB");
  EXPECT_EQ(print_quantity(64'000, byte_units()), "64 KB");
  EXPECT_EQ(print_quantity(8'192'000, byte_units()), "8.192 MB");
  EXPECT_EQ(print_quantity(60'817'392, byte_units()), "60.817392 MB");
  EXPECT_EQ(print_quantity(0, duration_units()), "0 ps");
  EXPECT_EQ(print_quantity(999, duration_units()), "999 ps");
  EXPECT_EQ(print_quantity(1'000'000'000, frequency_units()), "1 GHz");
}

TEST(Quantity, WhatItPrintsItReadsBack) {
  constexpr unsigned seed = 20240607;
  std::mt19937_64 random(seed);
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t value = random() >> (random() % 64);
    for (const Units* units :
         {&byte_units(), &duration_units(), &rate_units(), &frequency_units()}) {
      const std::string text = print_quantity(value, *units);
      std::uint64_t back = 0;
      ASSERT_NO_THROW(back = parse_quantity(text, *units)) << text << ", seed " << seed;
      ASSERT_EQ(back, value) << text << ", seed " << seed;
    }
  }
}

}  // namespace
}  // namespace heddle
