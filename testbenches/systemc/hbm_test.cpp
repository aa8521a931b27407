// The memory behind its TLM-2.0 socket: cycles by hand, back-pressure, errors, contents, several
// initiators on and off the calendar, and random streams before the judge of DRAM rules and the
// checker of the protocol.
#include "accelerator/hbm.h"

#include <gtest/gtest.h>
#include <tlm_utils/simple_initiator_socket.h>

#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "device_bench.h"
#include "dram_rules.h"
#include "kernel/rng.h"
#include "tlm_initiator.h"
#include "tlm_protocol_checker.h"

namespace heddle::testing {
namespace {

DramConfig small_memory() {
  DramConfig config;
  config.channels = 2;
  config.banks = 4;
  config.capacity = 1_MiB;
  return config;
}

/// A memory, and initiators on the calendar, each behind a checker of its own.
class Bench {
 public:
  explicit Bench(const DramConfig& config, unsigned initiators = 1,
                 const ClockOptions& options = {}, Contents contents = Contents::none)
      : bench_(options), hbm_("hbm", bench_.clock(), config, contents) {
    for (unsigned c = 0; c < hbm_.channels(); ++c) {
      judges_.push_back(std::make_unique<DramJudge>(dram_timing(config, bench_.clock())));
      hbm_.attach(c, judges_.back().get());
    }
    for (unsigned i = 0; i < initiators; ++i) {
      const std::string n = std::to_string(i);
      initiators_.push_back(std::make_unique<Initiator>(("initiator" + n).c_str(), bench_.clock()));
      initiators_.back()->socket.bind(checker().from_initiator);
    }
  }

  /// A checker in front of the memory's next socket.
  TlmProtocolChecker& checker() {
    const std::string n = std::to_string(checkers_.size());
    checkers_.push_back(std::make_unique<TlmProtocolChecker>(("checker" + n).c_str()));
    checkers_.back()->to_target.bind(hbm_.socket);
    return *checkers_.back();
  }

  Initiator& initiator(unsigned i = 0) { return *initiators_[i]; }
  const TlmProtocolChecker& checker_of(unsigned i) const { return *checkers_[i]; }
  Hbm& hbm() { return hbm_; }
  Clock& clock() { return bench_.clock(); }
  void run(Cycle last) { bench_.run(last); }

  void judge(bool drained) {
    hbm_.verify(drained);
    for (const auto& judge : judges_) judge->judge();
  }
  std::vector<std::vector<DramEvent>> events() const {
    std::vector<std::vector<DramEvent>> all;
    for (const auto& judge : judges_) all.push_back(judge->events());
    return all;
  }

 private:
  Workbench bench_;
  Hbm hbm_;
  std::vector<std::unique_ptr<DramJudge>> judges_;
  std::vector<std::unique_ptr<TlmProtocolChecker>> checkers_;
  std::vector<std::unique_ptr<Initiator>> initiators_;
};

// --- cycles by hand ------------------------------------------------------------------------------

TEST(Hbm, AReadTakesItsCyclesFromTheTable) {
  in_child([] {
    Bench bench(small_memory());
    bench.initiator().send({100, false, 0, 256});
    bench.initiator().send({300, false, 0, 256});
    bench.run(1000);
    const Answer& miss = bench.initiator().answers()[0];
    EXPECT_EQ(miss.requested, 100U);
    EXPECT_EQ(miss.accepted, 101U) << "what arrives in a cycle counts from the next";
    EXPECT_EQ(miss.answered, 101U + 16 + 22 + 8) << "tRCDrd, read latency, 256 B at 32 B per cycle";
    EXPECT_EQ(miss.status, tlm::TLM_OK_RESPONSE);
    const Answer& hit = bench.initiator().answers()[1];
    EXPECT_EQ(hit.answered, 301U + 22 + 8);
    bench.judge(true);
  });
}

TEST(Hbm, AWriteTakesItsCyclesFromTheTable) {
  in_child([] {
    Bench bench(small_memory());
    bench.initiator().send({100, true, 0, 64});
    bench.run(1000);
    EXPECT_EQ(bench.initiator().answers()[0].answered, 101U + 14 + 7 + 2);
    bench.judge(true);
  });
}

TEST(Hbm, APartOfABurstTakesAWholeOne) {
  in_child([] {
    Bench bench(small_memory());
    bench.initiator().send({100, false, 60, 8});  // on both sides of a burst's edge
    bench.run(1000);
    EXPECT_EQ(bench.initiator().answers()[0].answered, 101U + 16 + 22 + 4);
  });
}

TEST(Hbm, ALongRequestUsesAllChannels) {
  in_child([] {
    Bench bench(small_memory());
    bench.initiator().send({100, false, 0, 2048});
    bench.run(1000);
    // Eight stripes, four to each channel, all in one row.
    EXPECT_EQ(bench.initiator().answers()[0].answered, 101U + 16 + 22 + 4 * 8);
    EXPECT_EQ(bench.hbm().counts().row_hits, 6U);
    EXPECT_EQ(bench.hbm().counts().row_misses, 2U);
    EXPECT_EQ(bench.hbm().counts().data_cycles, 64U);
  });
}

TEST(Hbm, ARefreshOfTheChannelDelaysItsRequest) {
  in_child([] {
    Bench bench(small_memory());  // channel 0 refreshes from 1950 on, channel 1 from 3900 on
    bench.initiator().send({1949, false, 0, 64});
    bench.initiator().send({1951, false, 256, 64});
    bench.run(4000);
    const std::uint64_t other = DramMap(small_memory()).place(0).channel;
    const Answer& first = bench.initiator().answers()[0];
    const Answer& second = bench.initiator().answers()[1];
    const Answer& refreshed = other == 0 ? first : second;
    const Answer& free = other == 0 ? second : first;
    EXPECT_EQ(refreshed.answered, 1950U + 260 + 16 + 22 + 2);
    EXPECT_EQ(free.answered, free.accepted + 16 + 22 + 2);
  });
}

// --- back-pressure and phases --------------------------------------------------------------------

TEST(Hbm, EndReqIsWithheldWhileTheQueueIsFull) {
  in_child([] {
    DramConfig config = small_memory();
    config.channels = 1;
    config.queue = 2;
    Bench bench(config);
    for (std::uint64_t n = 0; n < 5; ++n) bench.initiator().send({100, false, 256 * n, 256});
    bench.run(1000);
    std::vector<Cycle> accepted;
    for (const Answer& answer : bench.initiator().answers()) accepted.push_back(answer.accepted);
    // Two fit. The first leaves its queue with its column command at 101 + 16, the others follow at
    // the rate of the data bus; what has become free is seen in the next cycle.
    EXPECT_EQ(accepted, (std::vector<Cycle>{101, 103, 118, 126, 134}));
    bench.judge(true);
  });
}

TEST(Hbm, AResponseWaitsForTheEndOfTheOneBefore) {
  in_child([] {
    Bench bench(small_memory());
    bench.initiator().answer_after(50);
    bench.initiator().send({100, false, 0, 256});
    bench.initiator().send({102, false, 512, 256});
    bench.run(1000);
    EXPECT_EQ(bench.initiator().answers()[0].answered, 147U);
    EXPECT_EQ(bench.initiator().answers()[1].answered, 147U + 50 + 1);
    EXPECT_EQ(bench.checker_of(0).completed(), 2U);
    bench.judge(true);
  });
}

TEST(Hbm, PayloadsGoBackToTheirPool) {
  in_child([] {
    Bench bench(small_memory());
    for (std::uint64_t n = 0; n < 500; ++n) {
      bench.initiator().send({100, n % 2 == 0, 256 * n, 256});
    }
    bench.run(50'000);
    EXPECT_EQ(bench.initiator().pool().live(), 0U);
    EXPECT_LE(bench.initiator().pool().size(), 150U) << "no more than queues can hold";
    bench.judge(true);
  });
}

// --- errors --------------------------------------------------------------------------------------

TEST(Hbm, WrongRequestsAreAnsweredAndChangeNothing) {
  const std::uint64_t top = 1 << 20;
  unsigned char enable[4] = {0xff, 0xff, 0xff, 0xff};
  struct Case {
    std::uint64_t address;
    unsigned bytes;
    std::function<void(Payload&)> change;
    tlm::tlm_response_status status;
  };
  const std::vector<Case> cases{
      {top, 4, {}, tlm::TLM_ADDRESS_ERROR_RESPONSE},
      {top - 3, 4, {}, tlm::TLM_ADDRESS_ERROR_RESPONSE},
      {top - 4, 4, {}, tlm::TLM_OK_RESPONSE},
      {~std::uint64_t{0}, 4, {}, tlm::TLM_ADDRESS_ERROR_RESPONSE},
      {0, 4, [](Payload& p) { p.set_command(tlm::TLM_IGNORE_COMMAND); },
       tlm::TLM_COMMAND_ERROR_RESPONSE},
      {0, 4, [&](Payload& p) { p.set_byte_enable_ptr(enable); },
       tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE},
      {0, 4, [](Payload& p) { p.set_streaming_width(3); }, tlm::TLM_BURST_ERROR_RESPONSE},
      {0, 4, [](Payload& p) { p.set_streaming_width(8); }, tlm::TLM_OK_RESPONSE},
      {0, 0, {}, tlm::TLM_BURST_ERROR_RESPONSE},
      {0, 4, [](Payload& p) { p.set_data_ptr(nullptr); }, tlm::TLM_GENERIC_ERROR_RESPONSE},
  };
  for (const Case& c : cases) {
    in_child([&] {
      Bench bench(small_memory(), 1, {}, Contents::stored);
      if (c.change) bench.initiator().prepare(c.change);
      bench.initiator().send({100, false, c.address, c.bytes});
      bench.run(1000);
      const Answer& answer = bench.initiator().answers()[0];
      EXPECT_EQ(answer.status, c.status) << c.address << " " << c.bytes;
      EXPECT_EQ(answer.accepted, 101U);
      const bool ok = c.status == tlm::TLM_OK_RESPONSE;
      if (!ok) {
        EXPECT_EQ(answer.answered, 102U);
      }
      EXPECT_EQ(bench.hbm().counts().errors, ok ? 0U : 1U);
      EXPECT_EQ(bench.hbm().counts().bytes_read, ok ? 4U : 0U);
      bench.judge(true);
    });
  }
}

/// An initiator of somebody else: a SystemC thread that knows nothing of the calendar.
class Outsider : public sc_core::sc_module {
 public:
  SC_HAS_PROCESS(Outsider);
  tlm_utils::simple_initiator_socket<Outsider> socket;

  Outsider(const sc_core::sc_module_name& module_name, std::function<void(Outsider&)> body)
      : sc_core::sc_module(module_name), socket("socket"), body_(std::move(body)) {
    SC_THREAD(run);
    socket.register_nb_transport_bw(this, &Outsider::nb_transport_bw);
  }

  tlm::tlm_response_status transport(tlm::tlm_command command, std::uint64_t address, void* data,
                                     unsigned bytes, sc_core::sc_time& delay) {
    Payload payload;
    set(payload, command, address, data, bytes);
    socket->b_transport(payload, delay);
    return payload.get_response_status();
  }
  unsigned debug(tlm::tlm_command command, std::uint64_t address, void* data, unsigned bytes) {
    Payload payload;
    set(payload, command, address, data, bytes);
    return socket->transport_dbg(payload);
  }
  static void set(Payload& payload, tlm::tlm_command command, std::uint64_t address, void* data,
                  unsigned bytes) {
    payload.set_command(command);
    payload.set_address(address);
    payload.set_data_ptr(static_cast<unsigned char*>(data));
    payload.set_data_length(bytes);
    payload.set_streaming_width(bytes);
    payload.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
  }

  struct Call {
    tlm::tlm_phase phase;
    sc_core::sc_time at;
  };
  std::vector<Call> calls;
  bool finished = false;

 private:
  void run() {
    body_(*this);
    finished = true;
  }
  tlm::tlm_sync_enum nb_transport_bw(Payload&, tlm::tlm_phase& phase, sc_core::sc_time&) {
    calls.push_back({phase, sc_core::sc_time_stamp()});
    return phase == tlm::BEGIN_RESP ? tlm::TLM_COMPLETED : tlm::TLM_ACCEPTED;
  }

  std::function<void(Outsider&)> body_;
};

sc_core::sc_time ns(double value) { return {value, sc_core::SC_NS}; }

TEST(Hbm, AThreadMayBlockAndAnnotateDelays) {
  in_child([] {
    Bench bench(small_memory(), 0, {}, Contents::stored);
    Outsider outsider("outsider", [](Outsider& self) {
      std::uint32_t word = 0xcafe;
      sc_core::wait(ns(100.25));
      sc_core::sc_time delay = ns(9.5);  // 109.75: counts from cycle 110
      EXPECT_EQ(self.transport(tlm::TLM_WRITE_COMMAND, 4, &word, 4, delay), tlm::TLM_OK_RESPONSE);
      EXPECT_EQ(sc_core::sc_time_stamp(), ns(110 + 14 + 7 + 2));
      EXPECT_EQ(delay, sc_core::SC_ZERO_TIME);
      std::uint32_t back = 0;
      EXPECT_EQ(self.transport(tlm::TLM_READ_COMMAND, 4, &back, 4, delay), tlm::TLM_OK_RESPONSE);
      EXPECT_EQ(back, 0xcafeU);
      EXPECT_EQ(self.transport(tlm::TLM_READ_COMMAND, 1 << 20, &back, 4, delay),
                tlm::TLM_ADDRESS_ERROR_RESPONSE);
    });
    outsider.socket.bind(bench.checker().from_initiator);
    bench.run(1000);
    EXPECT_TRUE(outsider.finished);
    bench.judge(true);
  });
}

TEST(Hbm, DebugAccessTakesNoTimeAndLeavesNoTrace) {
  in_child([] {
    Bench bench(small_memory(), 0, {}, Contents::stored);
    Outsider outsider("outsider", [](Outsider& self) {
      std::vector<unsigned char> data(10'000, 7);
      EXPECT_EQ(self.debug(tlm::TLM_WRITE_COMMAND, 5000, data.data(), 10'000), 10'000U);
      std::vector<unsigned char> back(10'002);
      EXPECT_EQ(self.debug(tlm::TLM_READ_COMMAND, 4999, back.data(), 10'002), 10'002U);
      EXPECT_EQ(back[0], 0);
      EXPECT_EQ(std::vector<unsigned char>(back.begin() + 1, back.end() - 1), data);
      EXPECT_EQ(back[10'001], 0);
      EXPECT_EQ(self.debug(tlm::TLM_READ_COMMAND, (1 << 20) - 4, back.data(), 100), 4U);
      EXPECT_EQ(self.debug(tlm::TLM_READ_COMMAND, 1 << 20, back.data(), 100), 0U);
      EXPECT_EQ(self.debug(tlm::TLM_IGNORE_COMMAND, 0, back.data(), 100), 0U);
      EXPECT_EQ(sc_core::sc_time_stamp(), sc_core::SC_ZERO_TIME);
    });
    outsider.socket.bind(bench.checker().from_initiator);
    bench.run(1000);
    EXPECT_TRUE(outsider.finished);
    EXPECT_EQ(bench.hbm().counts().reads + bench.hbm().counts().writes, 0U);
    for (const auto& events : bench.events()) EXPECT_TRUE(events.empty());
    bench.judge(true);
  });
}

TEST(Hbm, BreakersOfTheProtocolAreAnswered) {
  in_child([] {
    Bench bench(small_memory(), 0);
    TlmPayloadPool pool;
    Outsider outsider("outsider", [&](Outsider& self) {
      std::uint32_t word = 0;
      const auto begin = [&](Payload& payload) {
        Outsider::set(payload, tlm::TLM_READ_COMMAND, 0, &word, 4);
        tlm::tlm_phase phase = tlm::BEGIN_REQ;
        sc_core::sc_time delay = ns(3);
        return self.socket->nb_transport_fw(payload, phase, delay);
      };
      sc_core::wait(ns(100));
      Payload unmanaged;
      EXPECT_EQ(begin(unmanaged), tlm::TLM_COMPLETED);
      EXPECT_EQ(unmanaged.get_response_status(), tlm::TLM_GENERIC_ERROR_RESPONSE);
      Payload& first = pool.acquire();
      Payload& second = pool.acquire();
      EXPECT_EQ(begin(first), tlm::TLM_ACCEPTED);
      EXPECT_EQ(begin(second), tlm::TLM_COMPLETED);
      EXPECT_EQ(second.get_response_status(), tlm::TLM_GENERIC_ERROR_RESPONSE);
      tlm::tlm_phase phase = tlm::END_RESP;  // of nothing
      sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
      self.socket->nb_transport_fw(second, phase, delay);
      first.release();
      second.release();
    });
    outsider.socket.bind(bench.hbm().socket);  // no checker: it would protest
    bench.run(1000);
    ASSERT_EQ(outsider.calls.size(), 2U);
    EXPECT_EQ(outsider.calls[0].phase, tlm::END_REQ);
    EXPECT_EQ(outsider.calls[0].at, ns(104));  // 100 + 3, and the next cycle
    EXPECT_EQ(outsider.calls[1].phase, tlm::BEGIN_RESP);
    EXPECT_EQ(outsider.calls[1].at, ns(104 + 16 + 22 + 2));
    EXPECT_EQ(pool.live(), 0U);
    bench.judge(true);
  });
}

// --- contents ------------------------------------------------------------------------------------

TEST(Hbm, AReadSeesEveryWriteThatWasTakenBefore) {
  in_child([] {
    DramConfig config = small_memory();
    Bench bench(config, 0, {}, Contents::stored);
    Outsider outsider("outsider", [](Outsider& self) {
      Rng rng(5, "hbm_test", "contents");
      std::vector<unsigned char> expected(1 << 16);
      sc_core::sc_time delay;
      for (unsigned n = 0; n < 400; ++n) {
        const std::uint64_t address = rng.below(60'000);
        const unsigned bytes = 1 + rng.below(3000);
        std::vector<unsigned char> data(bytes);
        for (unsigned char& byte : data) byte = static_cast<unsigned char>(rng.below(256));
        delay = ns(rng.below(50));
        if (rng.below(2) == 0) {
          self.transport(tlm::TLM_WRITE_COMMAND, address, data.data(), bytes, delay);
          std::memcpy(expected.data() + address, data.data(), bytes);
        } else {
          self.transport(tlm::TLM_READ_COMMAND, address, data.data(), bytes, delay);
          EXPECT_EQ(std::memcmp(expected.data() + address, data.data(), bytes), 0);
        }
      }
    });
    outsider.socket.bind(bench.checker().from_initiator);
    bench.run(200'000);
    EXPECT_TRUE(outsider.finished);
    bench.judge(true);
  });
}

// --- several initiators, any order, random streams -----------------------------------------------

void send_random(Initiator& initiator, std::uint64_t seed, unsigned requests) {
  Rng rng(seed, "hbm_test", initiator.path());
  Cycle at = 1;
  for (unsigned n = 0; n < requests; ++n) {
    if (rng.below(50) == 0) at += rng.below(6000);
    at += rng.below(20);
    initiator.send({at, rng.below(2) == 0, rng.below(1 << 20) / 2, 1 + rng.below(4200)});
  }
}

/// What happened, as text: every answer and every command.
std::string record(const ClockOptions& options, std::uint64_t seed) {
  DramConfig config = small_memory();
  config.queue = 4 + seed;
  config.batch = 1 + seed * 3;
  config.window = 1 + seed * 2;
  Bench bench(config, 3, options);
  bench.initiator(1).answer_after(3);
  bench.initiator(2).answer_after(40);
  for (unsigned i = 0; i < 3; ++i) send_random(bench.initiator(i), seed, 400);
  bench.run(600'000);
  bench.judge(true);
  std::string text;
  for (unsigned i = 0; i < 3; ++i) {
    EXPECT_EQ(bench.initiator(i).answers().size(), 400U);
    EXPECT_EQ(bench.checker_of(i).completed(), 400U) << "each request is answered once";
    EXPECT_EQ(bench.checker_of(i).open(), 0U);
    EXPECT_EQ(bench.initiator(i).pool().live(), 0U);
    for (const Answer& a : bench.initiator(i).answers()) {
      EXPECT_EQ(a.status, tlm::TLM_OK_RESPONSE);
      text += std::to_string(a.accepted) + " " + std::to_string(a.answered) + "\n";
    }
  }
  for (const auto& events : bench.events()) {
    for (const DramEvent& e : events) {
      text += std::to_string(e.at) + " " + std::to_string(static_cast<int>(e.command)) + "\n";
    }
  }
  return text;
}

TEST(Hbm, RandomStreamsObeyTheLawsInAnyOrderOfDevices) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    in_child([=] {
      // A second elaboration needs a process of its own: the records meet in pipes.
      std::vector<std::string> records;
      ClockOptions shuffled;
      shuffled.shuffle_devices = true;
      ClockOptions every_cycle;
      every_cycle.wake_every_cycle = true;
      for (const ClockOptions& options : {ClockOptions{}, shuffled, every_cycle}) {
        std::FILE* file = std::tmpfile();
        in_child([&] { std::fputs(record(options, seed).c_str(), file); });
        std::rewind(file);
        std::string text;
        for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file)) {
          text.push_back(static_cast<char>(c));
        }
        std::fclose(file);
        records.push_back(text);
      }
      EXPECT_GT(records[0].size(), 10'000U);
      EXPECT_TRUE(records[0] == records[1]) << "shuffled devices, seed " << seed;
      EXPECT_TRUE(records[0] == records[2]) << "every cycle, seed " << seed;
    });
  }
}

TEST(Hbm, InitiatorsOfOneCycleAreServedByIndexAndNobodyStarves) {
  in_child([] {
    DramConfig config = small_memory();
    config.channels = 1;
    config.queue = 1;
    Bench bench(config, 3);
    for (std::uint64_t n = 0; n < 50; ++n) {
      for (unsigned i = 0; i < 3; ++i) bench.initiator(i).send({100, false, 256 * n, 256});
    }
    bench.run(900);
    EXPECT_EQ(bench.initiator(0).answers()[0].accepted, 101U);
    EXPECT_GT(bench.initiator(1).answers()[0].accepted, 101U);
    EXPECT_GT(bench.initiator(2).answers()[0].accepted, bench.initiator(1).answers()[0].accepted);
    for (unsigned i = 1; i < 3; ++i) {
      EXPECT_NEAR(static_cast<double>(bench.initiator(i).answers().size()),
                  static_cast<double>(bench.initiator(0).answers().size()), 1);
    }
  });
}

/// Jericho2's two stacks under what a spill does: each packet written once and read once.
TEST(Hbm, ASpillKeepsMostOfTheBusBusy) {
  in_child([] {
    Bench bench(DramConfig{}, 2);
    constexpr Cycle end = 200'000;
    Rng rng(3, "hbm_test", "spill");
    for (unsigned n = 0; n < 40'000; ++n) {
      // Packets of 4,158 B in blocks of 17 stripes; those read were written at random times.
      bench.initiator(0).send({1, true, std::uint64_t{n} * 4352, 4158});
      bench.initiator(1).send({1, false, std::uint64_t{rng.below(400'000)} * 4352, 4158});
    }
    bench.run(end);
    bench.judge(false);
    const HbmCounts counts = bench.hbm().counts();
    const double tbps =
        static_cast<double>(counts.bytes_read + counts.bytes_written) * 8e-3 / double{end};
    const double bus = static_cast<double>(counts.data_cycles) / (16.0 * double{end});
    const double hits = static_cast<double>(counts.row_hits) /
                        static_cast<double>(counts.row_hits + counts.row_misses);
    RecordProperty("tbps", std::to_string(tbps));
    std::printf(
        "spill: %.3f Tb/s of 4.096, bus %.3f, row hits %.3f, turns %.1f per us and channel\n", tbps,
        bus, hits, static_cast<double>(counts.turns) * 1e3 / (16.0 * double{end}));
    EXPECT_NEAR(static_cast<double>(counts.bytes_read), static_cast<double>(counts.bytes_written),
                0.05 * static_cast<double>(counts.bytes_read))
        << "neither direction is preferred";
    // Refresh alone leaves 1 - 260 / 3900 = .933 of the time.
    EXPECT_LT(bus, 0.933);
    EXPECT_GT(bus, 0.6);
  });
}

}  // namespace
}  // namespace heddle::testing
