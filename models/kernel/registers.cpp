#include "kernel/registers.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "kernel/link.h"

namespace heddle {

namespace {

/// Bytes from the first member's beginning to the last one's end.
std::uint64_t extent(const Register& declared) {
  return (declared.count - 1) * declared.stride + declared.bytes;
}

std::uint64_t extent(const RegisterBlock& block) {
  std::uint64_t end = 0;
  for (const Register& declared : block.registers) {
    end = std::max(end, declared.offset + extent(declared));
  }
  return end;
}

void require(bool holds, const RegisterBlock& block, const Register& declared, const char* law) {
  if (holds) return;
  throw CheckFailure(fmt::format("register {}.{}: {}", block.name, declared.name, law));
}

/// Arrays of one block may be interlaced, so members are compared one by one.
bool overlap(const Register& a, const Register& b) {
  for (unsigned i = 0; i < a.count; ++i) {
    for (unsigned j = 0; j < b.count; ++j) {
      const std::uint64_t of_a = a.offset + i * a.stride;
      const std::uint64_t of_b = b.offset + j * b.stride;
      if (of_a < of_b + b.bytes && of_b < of_a + a.bytes) return true;
    }
  }
  return false;
}

void check_register(const RegisterBlock& block, const Register& declared) {
  const bool wide = declared.bytes == 8;
  require(wide || declared.bytes == 4, block, declared, "is neither 32 nor 64 bits wide");
  require((block.base | (block.count > 1 ? block.stride : 0) | declared.offset |
           (declared.count > 1 ? declared.stride : 0)) %
                  declared.bytes ==
              0,
          block, declared, "is not aligned");
  require(declared.count == 1 || declared.stride >= declared.bytes, block, declared,
          "is an array whose members overlap");
  const bool reads = declared.access != RegisterAccess::write_only;
  const bool writes = declared.access == RegisterAccess::read_write ||
                      declared.access == RegisterAccess::write_only;
  const bool clears = declared.access == RegisterAccess::clear_on_read;
  require(reads == static_cast<bool>(declared.read) &&
              writes == static_cast<bool>(declared.write) &&
              clears == static_cast<bool>(declared.clear),
          block, declared, "does not do what its access promises");
  require(!(clears && wide), block, declared, "cannot be cleared by halves");
}

}  // namespace

Register& RegisterBlock::place(std::string register_name, std::uint64_t offset, unsigned bytes,
                               std::string text) {
  Register added;
  added.name = std::move(register_name);
  added.offset = offset;
  added.bytes = bytes;
  added.what = std::move(text);
  registers.push_back(std::move(added));
  return registers.back();
}

void RegisterBlock::add_link_counters(std::uint64_t offset, std::function<const Link&(unsigned)> in,
                                      std::function<const Link&(unsigned)> out,
                                      std::function<std::uint64_t()> now) {
  add("rx_frames", offset, 8, "Frames that the device has taken from the port's link.",
      [in = std::move(in)](unsigned port) { return in(port).frames_taken(); });
  add("tx_frames", offset + 8, 8, "Frames that have started on the port's link.",
      [out](unsigned port) { return out(port).frames(); });
  add("tx_bytes", offset + 16, 8, "Their bytes on the wire.",
      [out](unsigned port) { return out(port).bytes(); });
  add("paused_cycles", offset + 24, 8,
      "Cycles in which the peer had stopped a class of the port's link.",
      [out = std::move(out), now = std::move(now)](unsigned port) {
        return out(port).paused_cycles(now());
      });
}

void RegisterBlock::add_link_faults(std::uint64_t offset, std::function<const Link&(unsigned)> in) {
  add("rx_frames_lost", offset, 8,
      "Frames lost on the link that leads here: by bit errors, or because it had failed. They "
      "count when they start, those under way when it fails.",
      [in](unsigned port) { return in(port).losses().frames; });
  add("rx_bytes_lost", offset + 8, 8, "Their bytes on the wire.",
      [in](unsigned port) { return in(port).losses().bytes; });
  add("rx_up", offset + 16, 4,
      "0 while the link that leads here has failed, whether anybody has noticed or not.",
      [in = std::move(in)](unsigned port) { return in(port).is_up(); })
      .resets_to("1");
}

RegisterBlock& RegisterMap::block(std::string name, std::uint64_t base, std::string what,
                                  unsigned count, std::uint64_t stride) {
  blocks_.push_back({std::move(name), std::move(what), base, stride, count, {}});
  return blocks_.back();
}

RegisterMap::Found RegisterMap::find(std::uint64_t address) const {
  const auto after =
      std::upper_bound(blocks_.begin(), blocks_.end(), address,
                       [](std::uint64_t a, const RegisterBlock& block) { return a < block.base; });
  if (after == blocks_.begin()) return {};
  const RegisterBlock& block = *(after - 1);
  const std::uint64_t inside = address - block.base;
  const std::uint64_t member = block.stride == 0 ? 0 : inside / block.stride;
  if (member >= block.count) return {};
  const std::uint64_t offset = inside - member * block.stride;
  for (const Register& declared : block.registers) {
    if (offset < declared.offset || offset - declared.offset >= extent(declared)) continue;
    const std::uint64_t into = offset - declared.offset;
    const std::uint64_t j = declared.stride == 0 ? 0 : into / declared.stride;
    const std::uint64_t byte = into - j * declared.stride;
    if (byte >= declared.bytes) continue;  // between two members: another array may be there
    return {&declared, {static_cast<unsigned>(member), static_cast<unsigned>(j)}, address - byte};
  }
  return {};
}

void RegisterMap::check() const {
  std::uint64_t free_from = 0;
  for (const RegisterBlock& block : blocks_) {
    for (std::size_t i = 0; i < block.registers.size(); ++i) {
      const Register& declared = block.registers[i];
      check_register(block, declared);
      require(block.base >= free_from, block, declared, "stands in the block before");
      require(block.count <= 1 || extent(block) <= block.stride, block, declared,
              "stands in a block longer than its stride");
      for (std::size_t j = 0; j < i; ++j) {
        require(!overlap(declared, block.registers[j]), block, declared,
                "has the place of another register");
      }
    }
    if (block.count == 0 || block.registers.empty()) continue;
    free_from = block.base + (block.count - 1) * block.stride + extent(block);
  }
}

const char* access_text(RegisterAccess access) {
  static constexpr std::array<const char*, 4> texts{"RO", "RW", "WO", "RC"};
  return texts[static_cast<unsigned>(access)];
}

}  // namespace heddle
