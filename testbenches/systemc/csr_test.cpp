// The register target by itself: every response, times, halves, and access for debuggers.
#include "kernel/csr.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <utility>
#include <vector>

#include "device_bench.h"
#include "register_bus.h"

namespace heddle::testing {
namespace {

/// A device that does nothing but to note, in every cycle in which it runs, what it holds.
class Subject : public BareDevice {
 public:
  Subject(const char* name, Clock& clock) : BareDevice(name, clock, 2) {}

  /// Runs in every cycle from now on.
  void go() { wake(1, 1); }

  std::uint32_t threshold = 100;
  std::uint64_t wide = 0x1111'1111'2222'2222;
  std::uint32_t command = 0;
  std::uint32_t events = 7;
  std::vector<std::pair<Cycle, std::uint32_t>> seen;

 private:
  void describe(RegisterMap& map) override {
    RegisterBlock& block = map.block("config", config_registers, "");
    block.add("constant", 0x00, 4, "", [] { return 42; });
    block.add("threshold", 0x04, 4, "", [this] { return threshold; })
        .writable(10, 1000, [this](std::uint64_t v) { threshold = static_cast<std::uint32_t>(v); });
    block.add("wide", 0x08, 8, "", [this] { return wide; })
        .writable(0, ~std::uint64_t{0}, [this](std::uint64_t v) { wide = v; });
    block.command("command", 0x10, "").writable(0, 9, [this](std::uint64_t v) {
      command = static_cast<std::uint32_t>(v);
    });
    block.add("events", 0x14, 4, "", [this] { return events; }).cleared([this] { events = 0; });
    block.add("broken", 0x18, 4, "", []() -> unsigned { throw std::runtime_error("broken"); });
  }

  void cycle() override {
    due_.clear(0);
    seen.emplace_back(now(), threshold);
    if (!due_.test(1)) return;
    due_.clear(1);
    wake(1, now() + 1);
  }
};

constexpr std::uint64_t constant = 0x100;
constexpr std::uint64_t threshold = 0x104;
constexpr std::uint64_t wide = 0x108;
constexpr std::uint64_t command = 0x110;
constexpr std::uint64_t events = 0x114;
constexpr std::uint64_t broken = 0x118;

/// Runs `script` against a subject, in a process of its own, for 100 cycles of 1 ns.
void against(const std::function<void(RegisterBus&, Subject&)>& script, bool busy = false,
             const std::function<void(Subject&)>& afterwards = {}) {
  in_child([&] {
    Workbench bench;
    Subject subject("subject", bench.clock());
    RegisterBus bus([&](RegisterBus& b) { script(b, subject); });
    bus.attach(subject.csr());
    if (busy) subject.go();
    bench.run(100);
    EXPECT_TRUE(bus.done());
    if (afterwards) afterwards(subject);
  });
}

std::uint32_t seen_in(const Subject& subject, Cycle cycle) {
  for (const auto& [at, value] : subject.seen) {
    if (at == cycle) return value;
  }
  return 0;
}

TEST(Csr, EveryErrorHasItsResponse) {
  against([](RegisterBus& bus, Subject& subject) {
    using Access = RegisterBus::Access;
    const auto expect = [&](tlm::tlm_response_status response, Access what, const char* why) {
      EXPECT_EQ(bus.access(0, what).response, response) << why;
    };
    const auto reading = [](std::uint64_t address, unsigned length) {
      return Access{tlm::TLM_READ_COMMAND, address, length};
    };
    const auto writing = [](std::uint64_t address, unsigned length, std::uint64_t value) {
      Access what{tlm::TLM_WRITE_COMMAND, address, length};
      what.value = value;
      return what;
    };
    expect(tlm::TLM_OK_RESPONSE, reading(constant, 4), "whole");
    expect(tlm::TLM_OK_RESPONSE, reading(wide, 8), "64 bits");
    expect(tlm::TLM_OK_RESPONSE, reading(wide + 4, 4), "a half");
    expect(tlm::TLM_OK_RESPONSE, {tlm::TLM_IGNORE_COMMAND, constant, 4}, "nothing to do");

    expect(tlm::TLM_ADDRESS_ERROR_RESPONSE, reading(0x11c, 4), "behind the last");
    expect(tlm::TLM_ADDRESS_ERROR_RESPONSE, reading(0x50, 4), "between the blocks");
    expect(tlm::TLM_ADDRESS_ERROR_RESPONSE, reading(~std::uint64_t{7}, 8), "the last address");
    expect(tlm::TLM_ADDRESS_ERROR_RESPONSE, {tlm::TLM_IGNORE_COMMAND, 0x50, 4}, "ignored nowhere");

    for (const unsigned length : {0U, 1U, 2U, 3U, 5U, 12U, 16U}) {
      expect(tlm::TLM_BURST_ERROR_RESPONSE, reading(wide, length), "length");
    }
    expect(tlm::TLM_BURST_ERROR_RESPONSE, reading(constant + 2, 4), "not aligned");
    expect(tlm::TLM_BURST_ERROR_RESPONSE, reading(wide + 4, 8), "not aligned to 8");
    expect(tlm::TLM_BURST_ERROR_RESPONSE, reading(constant, 8), "two registers at once");
    Access streaming = reading(wide, 8);
    for (const unsigned width : {0U, 4U, 7U}) {
      streaming.streaming_width = width;
      expect(tlm::TLM_BURST_ERROR_RESPONSE, streaming, "streaming width");
    }
    streaming.streaming_width = 8;
    expect(tlm::TLM_OK_RESPONSE, streaming, "streaming width as long as the data");
    Access pointless = reading(constant, 4);
    pointless.no_data = true;
    expect(tlm::TLM_BURST_ERROR_RESPONSE, pointless, "no data");

    Access enabled = reading(constant, 4);
    enabled.byte_enables = true;
    expect(tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE, enabled, "byte enables");

    expect(tlm::TLM_COMMAND_ERROR_RESPONSE, writing(constant, 4, 1), "read only");
    expect(tlm::TLM_COMMAND_ERROR_RESPONSE, writing(events, 4, 1), "clear on read");
    expect(tlm::TLM_COMMAND_ERROR_RESPONSE, reading(command, 4), "a command");

    expect(tlm::TLM_GENERIC_ERROR_RESPONSE, writing(threshold, 4, 9), "below its bound");
    expect(tlm::TLM_GENERIC_ERROR_RESPONSE, writing(threshold, 4, 1001), "above its bound");
    expect(tlm::TLM_GENERIC_ERROR_RESPONSE, reading(broken, 4), "it throws");
    bus.wait_until(50);
    EXPECT_EQ(subject.threshold, 100U);
    expect(tlm::TLM_OK_RESPONSE, writing(threshold, 4, 10), "its lower bound");
    expect(tlm::TLM_OK_RESPONSE, writing(threshold, 4, 1000), "its upper bound");
    expect(tlm::TLM_OK_RESPONSE, writing(command, 4, 9), "a command");
    bus.wait_until(60);
    EXPECT_EQ(subject.threshold, 1000U);
    EXPECT_EQ(subject.command, 9U);
    EXPECT_EQ(subject.events, 7U) << "nothing of this has read it";
  });
}

TEST(Csr, AnAccessTakesEightCyclesAlsoWhenItFails) {
  against([](RegisterBus& bus, Subject&) {
    RegisterBus::Access what{tlm::TLM_READ_COMMAND, constant, 4};
    EXPECT_EQ(bus.access(0, what).delay, sc_core::sc_time(8, sc_core::SC_NS));
    what.delay = sc_core::sc_time(3, sc_core::SC_NS);
    EXPECT_EQ(bus.access(0, what).delay, sc_core::sc_time(11, sc_core::SC_NS));
    what.address = 0x50;
    EXPECT_EQ(bus.access(0, what).delay, sc_core::sc_time(11, sc_core::SC_NS));
  });
}

TEST(Csr, ThereIsNoDirectMemory) {
  against([](RegisterBus& bus, Subject&) {
    EXPECT_FALSE(bus.direct(0, constant));
    EXPECT_FALSE(bus.access(0, {tlm::TLM_READ_COMMAND, constant, 4}).dmi_allowed);
  });
}

TEST(Csr, HalvesReadOneAfterTheOtherBelongTogether) {
  against([](RegisterBus& bus, Subject& subject) {
    subject.wide = 0x1'ffff'ffff;
    EXPECT_EQ(bus.read(0, wide, 4), 0xffff'ffffU);
    subject.wide = 0x2'0000'0000;
    EXPECT_EQ(bus.read(0, wide + 4, 4), 1U) << "of the moment when the low half was read";
    EXPECT_EQ(bus.read(0, wide + 4, 4), 2U) << "read alone";
    EXPECT_EQ(bus.read(0, wide, 4), 0U);
    subject.wide = 0x3'0000'0000;
    bus.read(0, constant, 4);
    EXPECT_EQ(bus.read(0, wide + 4, 4), 3U) << "another access was between them";
    EXPECT_EQ(bus.read(0, wide, 8), 0x3'0000'0000U);
  });
}

TEST(Csr, TheHighHalfWritesBoth) {
  against([](RegisterBus& bus, Subject& subject) {
    bus.write(0, wide, 4, 0xaaaa'aaaa);
    bus.wait_until(10);
    EXPECT_EQ(subject.wide, 0x1111'1111'2222'2222U) << "half is nothing";
    bus.write(0, wide, 4, 0xaaaa'aaaa);
    bus.write(0, wide + 4, 4, 0xbbbb'bbbb);
    bus.wait_until(20);
    EXPECT_EQ(subject.wide, 0xbbbb'bbbb'aaaa'aaaaU);
    bus.write(0, wide + 4, 4, 0xcccc'cccc);
    bus.wait_until(30);
    EXPECT_EQ(subject.wide, 0xcccc'cccc'aaaa'aaaaU) << "alone, it leaves the low half";
    bus.write(0, wide, 8, 5);
    bus.wait_until(40);
    EXPECT_EQ(subject.wide, 5U);
  });
}

TEST(Csr, ReadingClearsOnceAndDebuggersDoNot) {
  against([](RegisterBus& bus, Subject& subject) {
    EXPECT_EQ(bus.debug_read(0, events, 4), 7U);
    EXPECT_EQ(subject.events, 7U);
    EXPECT_EQ(bus.read(0, events, 4), 7U);
    EXPECT_EQ(bus.read(0, events, 4), 0U);

    subject.wide = 0x1'0000'0000;
    bus.read(0, wide, 4);
    subject.wide = 0x2'0000'0000;
    EXPECT_EQ(bus.debug_read(0, wide + 4, 4), 2U) << "what is there now";
    EXPECT_EQ(bus.read(0, wide + 4, 4), 1U) << "the kept half is still kept";
  });
}

TEST(Csr, DebuggersReadAnyBytesUpToTheFirstHole) {
  against([](RegisterBus& bus, Subject& subject) {
    std::array<unsigned char, 64> data{};
    EXPECT_EQ(bus.debug(0, tlm::TLM_READ_COMMAND, constant, data.data(), 64), 16U)
        << "up to the command";
    EXPECT_EQ(data[0], 42);
    EXPECT_EQ(data[4], 100);
    EXPECT_EQ(data[8], 0x22);
    EXPECT_EQ(data[12], 0x11);
    EXPECT_EQ(bus.debug(0, tlm::TLM_READ_COMMAND, wide + 3, data.data(), 2), 2U);
    EXPECT_EQ(data[0], 0x22);
    EXPECT_EQ(data[1], 0x11);
    EXPECT_EQ(bus.debug(0, tlm::TLM_READ_COMMAND, 0x50, data.data(), 4), 0U);
    EXPECT_EQ(bus.debug(0, tlm::TLM_READ_COMMAND, constant, nullptr, 4), 0U);
    EXPECT_EQ(bus.debug(0, tlm::TLM_WRITE_COMMAND, threshold, data.data(), 4), 0U);
    bus.wait_until(50);
    EXPECT_EQ(subject.threshold, 100U);
  });
}

TEST(Csr, AWriteTakesEffectInTheNextCycle) {
  against(
      [](RegisterBus& bus, Subject& subject) {
        bus.wait_until(5.5);
        bus.write(0, threshold, 4, 200);
        EXPECT_EQ(subject.threshold, 100U);
        EXPECT_EQ(bus.read(0, threshold, 4), 200U) << "it reads back at once";
        EXPECT_EQ(bus.debug_read(0, threshold, 4), 200U);
        bus.wait_until(10);  // at the edge, whether the clock came first or not
        bus.write(0, threshold, 4, 300);
        bus.wait_until(20);
        sc_core::wait(sc_core::SC_ZERO_TIME);
        bus.write(0, threshold, 4, 400);
        bus.wait_until(30.5);
        RegisterBus::Access ahead{tlm::TLM_WRITE_COMMAND, threshold, 4};
        ahead.delay = sc_core::sc_time(3, sc_core::SC_NS);
        ahead.value = 500;
        bus.access(0, ahead);
        bus.write(0, threshold, 4, 450);
        bus.write(0, threshold, 4, 451);
      },
      /*busy=*/true,
      [](Subject& subject) {
        const std::vector<std::pair<Cycle, std::uint32_t>> expected{
            {5, 100},  {6, 200},  {10, 200}, {11, 300}, {20, 300},
            {21, 400}, {30, 400}, {31, 451}, {33, 451}, {34, 500}};
        for (const auto& [cycle, value] : expected) {
          EXPECT_EQ(seen_in(subject, cycle), value) << "in cycle " << cycle;
        }
      });
}

TEST(Csr, AWriteWakesASilentDeviceOnce) {
  against(
      [](RegisterBus& bus, Subject&) {
        bus.wait_until(70.25);
        bus.write(0, threshold, 4, 200);
      },
      /*busy=*/false,
      [](Subject& subject) {
        EXPECT_EQ(subject.seen, (std::vector<std::pair<Cycle, std::uint32_t>>{{71, 200}}));
      });
}

TEST(Csr, ASocketExistsForThoseWhoAskAndMayStayUnbound) {
  in_child([] {
    Workbench bench;
    Subject asked("asked", bench.clock());
    const Subject silent("silent", bench.clock());
    EXPECT_STREQ(asked.csr().socket.name(), "asked.csr_socket");
    EXPECT_EQ(&asked.csr(), &asked.csr());
    EXPECT_TRUE(silent.get_child_objects().empty());
    bench.run(10);
  });
}

}  // namespace
}  // namespace heddle::testing
