#include "kernel/registers.h"

#include <gtest/gtest.h>

#include <string>

namespace heddle {
namespace {

const auto zero = [] { return 0; };

/// Two interlaced arrays in a block of three, and a lone register before it.
RegisterMap example() {
  RegisterMap map;
  map.block("head", 0x0, "").add("id", 0x0, 4, "", zero);
  RegisterBlock& block = map.block("port", 0x100, "", 3, 0x40);
  block.add("wide", 0x00, 8, "", zero);
  block.add("even", 0x10, 4, "", zero).array(2, 8);
  block.add("odd", 0x14, 4, "", zero).array(2, 8);
  return map;
}

std::string found(const RegisterMap& map, std::uint64_t address) {
  const RegisterMap::Found f = map.find(address);
  if (f.declared == nullptr) return "";
  return f.declared->name + " " + std::to_string(f.index.of_block) + " " +
         std::to_string(f.index.in_block) + " " + std::to_string(address - f.address);
}

TEST(RegisterMap, FindsTheRegisterOfEveryByteAndNothingElse) {
  const RegisterMap map = example();
  EXPECT_EQ(found(map, 0x0), "id 0 0 0");
  EXPECT_EQ(found(map, 0x3), "id 0 0 3");
  EXPECT_EQ(found(map, 0x4), "");
  EXPECT_EQ(found(map, 0xff), "");
  EXPECT_EQ(found(map, 0x100), "wide 0 0 0");
  EXPECT_EQ(found(map, 0x107), "wide 0 0 7");
  EXPECT_EQ(found(map, 0x108), "");
  EXPECT_EQ(found(map, 0x150), "even 1 0 0");
  EXPECT_EQ(found(map, 0x154), "odd 1 0 0");
  EXPECT_EQ(found(map, 0x158), "even 1 1 0");
  EXPECT_EQ(found(map, 0x15f), "odd 1 1 3");
  EXPECT_EQ(found(map, 0x160), "");
  EXPECT_EQ(found(map, 0x180), "wide 2 0 0");
  EXPECT_EQ(found(map, 0x1c0), "") << "a fourth port";
  EXPECT_EQ(found(map, ~std::uint64_t{0}), "");
}

TEST(RegisterMap, AnEmptyBlockHasNoAddress) {
  RegisterMap map;
  map.block("none", 0x0, "", 0, 0x10).add("id", 0x0, 4, "", zero);
  EXPECT_EQ(found(map, 0x0), "");
  EXPECT_NO_THROW(map.check());
}

TEST(RegisterMap, ARightDeclarationPassesTheCheck) { EXPECT_NO_THROW(example().check()); }

TEST(RegisterMap, WrongDeclarationsFailTheCheck) {
  const auto refused = [](const char* why, auto&& change) {
    RegisterMap map = example();
    change(map);
    EXPECT_THROW(map.check(), CheckFailure) << why;
  };
  refused("width", [](RegisterMap& map) { map.block("x", 0x1000, "").add("a", 0x0, 2, "", zero); });
  refused("offset not aligned",
          [](RegisterMap& map) { map.block("x", 0x1000, "").add("a", 0x4, 8, "", zero); });
  refused("base not aligned",
          [](RegisterMap& map) { map.block("x", 0x1004, "").add("a", 0x4, 8, "", zero); });
  refused("same place", [](RegisterMap& map) {
    RegisterBlock& block = map.block("x", 0x1000, "");
    block.add("a", 0x0, 8, "", zero);
    block.add("b", 0x4, 4, "", zero);
  });
  refused("members overlap", [](RegisterMap& map) {
    map.block("x", 0x1000, "").add("a", 0x0, 8, "", zero).array(2, 4);
  });
  refused("longer than the stride",
          [](RegisterMap& map) { map.block("x", 0x1000, "", 2, 8).add("a", 0x8, 4, "", zero); });
  refused("blocks overlap",
          [](RegisterMap& map) { map.block("x", 0x180, "").add("a", 0x0, 4, "", zero); });
  refused("no setter", [](RegisterMap& map) {
    map.block("x", 0x1000, "").add("a", 0x0, 4, "", zero).access = RegisterAccess::read_write;
  });
  refused("cleared by halves", [](RegisterMap& map) {
    map.block("x", 0x1000, "").add("a", 0x0, 8, "", zero).cleared([] {});
  });
}

TEST(RegisterMap, SignedValuesAreExtended) {
  RegisterMap map;
  map.block("x", 0x0, "").add("a", 0x0, 8, "", [] { return std::int64_t{-2}; });
  EXPECT_EQ(map.find(0).declared->read({}), ~std::uint64_t{1});
}

}  // namespace
}  // namespace heddle
