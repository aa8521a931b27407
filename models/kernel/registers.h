// The registers of a device, declared once each: name, place, access and meaning, over getters and
// setters of what the device holds anyway. The bus target (kernel/csr.h) and the tables of
// docs/models both read these declarations.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "kernel/error.h"

namespace heddle {

class Link;

/// What a bus may do with a register.
enum class RegisterAccess : std::uint8_t { read_only, read_write, write_only, clear_on_read };

/// Which member of an array is meant: of the block (a port, a queue), and in it (a class).
struct RegisterIndex {
  unsigned of_block = 0;
  unsigned in_block = 0;
};

/// One register, or an array inside its block: member j stands `j * stride` further on.
struct Register {
  std::string name;
  std::uint64_t offset = 0;  ///< from the beginning of its block
  unsigned bytes = 4;        ///< 4 or 8
  std::string what;          ///< one sentence
  std::string reset = "0";   ///< a number, or the key of the scenario that gives it
  std::string source;        ///< of the rule; empty when it is a choice
  RegisterAccess access = RegisterAccess::read_only;
  unsigned count = 1;
  std::uint64_t stride = 0;
  std::uint64_t minimum = 0;  ///< of what may be written, inclusive
  std::uint64_t maximum = 0;
  std::function<std::uint64_t(RegisterIndex)> read;         ///< without side effect
  std::function<void(RegisterIndex, std::uint64_t)> write;  ///< may be called between two cycles
  std::function<void(RegisterIndex)> clear;                 ///< what reading does beside

  Register& resets_to(std::string text) {
    reset = std::move(text);
    return *this;
  }
  Register& from(std::string text) {
    source = std::move(text);
    return *this;
  }
  Register& array(unsigned members, std::uint64_t distance) {
    count = members;
    stride = distance;
    return *this;
  }
  /// `set`: void(value) or void(index of the block, value). Values beyond the bounds are refused.
  template <class Set>
  Register& writable(std::uint64_t least, std::uint64_t most, Set set) {
    access = read ? RegisterAccess::read_write : RegisterAccess::write_only;
    minimum = least;
    maximum = most;
    write = [set = std::move(set)](RegisterIndex index, std::uint64_t value) {
      if constexpr (std::is_invocable_v<Set, unsigned, std::uint64_t>) {
        set(index.of_block, value);
      } else {
        static_cast<void>(index);
        set(value);
      }
    };
    return *this;
  }
  /// A bus that reads the register also does this.
  template <class Clear>
  Register& cleared(Clear does) {
    access = RegisterAccess::clear_on_read;
    clear = [does = std::move(does)](RegisterIndex) { does(); };
    return *this;
  }
};

/// Registers that stand together, once, or once for each of `count` things.
struct RegisterBlock {
  std::string name;
  std::string what;
  std::uint64_t base = 0;
  std::uint64_t stride = 0;
  unsigned count = 1;
  std::vector<Register> registers;

  /// `get`: value(), value(index of the block), or value(index of the block, index in it); of any
  /// whole type. Signed values are sign-extended to the width of the register.
  template <class Get>
  Register& add(std::string register_name, std::uint64_t offset, unsigned bytes, std::string text,
                Get get) {
    Register& added = place(std::move(register_name), offset, bytes, std::move(text));
    added.read = [get = std::move(get)](RegisterIndex index) {
      static_cast<void>(index);
      if constexpr (std::is_invocable_v<Get, unsigned, unsigned>) {
        return static_cast<std::uint64_t>(get(index.of_block, index.in_block));
      } else if constexpr (std::is_invocable_v<Get, unsigned>) {
        return static_cast<std::uint64_t>(get(index.of_block));
      } else {
        return static_cast<std::uint64_t>(get());
      }
    };
    return added;
  }
  /// A register that is only written: a command.
  Register& command(std::string register_name, std::uint64_t offset, std::string text) {
    return place(std::move(register_name), offset, 4, std::move(text)).resets_to("");
  }
  /// What a link port counts: `in` and `out` say which link is meant.
  void add_link_counters(std::uint64_t offset, std::function<const Link&(unsigned)> in,
                         std::function<const Link&(unsigned)> out,
                         std::function<std::uint64_t()> now);
  /// What is wrong with the link that leads to a port, and what that has cost: 24 bytes.
  void add_link_faults(std::uint64_t offset, std::function<const Link&(unsigned)> in);

 private:
  Register& place(std::string register_name, std::uint64_t offset, unsigned bytes,
                  std::string text);
};

class RegisterMap {
 public:
  struct Found {
    const Register* declared = nullptr;  ///< nullptr: nothing is at this address
    RegisterIndex index;
    std::uint64_t address = 0;  ///< of the register's first byte
  };

  /// Blocks are declared in the order of their addresses. References stay valid only until the next
  /// block.
  RegisterBlock& block(std::string name, std::uint64_t base, std::string what, unsigned count = 1,
                       std::uint64_t stride = 0);

  const std::vector<RegisterBlock>& blocks() const { return blocks_; }

  /// The register that the byte at `address` belongs to.
  Found find(std::uint64_t address) const;

  /// Throws CheckFailure unless every register has a place of its own, aligned to its width, and a
  /// kind of access that its functions allow.
  void check() const;

 private:
  std::vector<RegisterBlock> blocks_;
};

/// "RO", "RW", "WO", "RC".
const char* access_text(RegisterAccess access);

}  // namespace heddle
