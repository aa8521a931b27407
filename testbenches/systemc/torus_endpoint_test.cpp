// Remote memory of a torus: cycles by hand, any byte of any chip from any other, back-pressure,
// errors, the window, initiators on and off the calendar, losses; and collectives in time.
#include "accelerator/torus_endpoint.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <tlm_utils/simple_target_socket.h>

#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "engine/torus_simulation.h"
#include "kernel/rng.h"
#include "parts/sparse_memory.h"
#include "torus_bench.h"

namespace heddle::testing {
namespace {

// --- cycles by hand -----------------------------------------------------------------------------

TEST(TorusEndpoint, AReadOneHopAwayTakesItsCyclesFromTheTable) {
  in_child([] {
    TorusBench bench;
    Initiator& chip = bench.initiator(0);
    chip.send({100, false, bench.memory_bytes(), 512});  // node 1
    bench.run(3000);
    const Answer& read = chip.answers()[0];
    EXPECT_EQ(read.accepted, 101U) << "what arrives in a cycle counts from the next";
    // A request of one flit: the endpoint's latency, the local link (5), the router (20), the
    // cable (50) and a cycle until its tail is there, the router, the local link and its tail.
    const Cycle at_memory = 101 + 250 + 5 + 20 + 51 + 20 + 6 + 250;
    // Two stripes of a closed bank in two channels: tRCDrd 16, read latency 22, 256 B at 32 B per
    // cycle; taken one cycle after BEGIN_REQ, counted one after BEGIN_RESP.
    const Cycle in_hand = at_memory + 1 + 16 + 22 + 8 + 1;
    // 544 B: 5 cycles on the cable, 2 on the local link.
    EXPECT_EQ(read.answered, in_hand + 250 + 5 + 20 + 55 + 20 + 7 + 250);
    EXPECT_EQ(read.answered - read.requested, 1258U) << "inside the vendor's 1-2 us";
    EXPECT_EQ(read.status, tlm::TLM_OK_RESPONSE);
    bench.verify();
  });
}

TEST(TorusEndpoint, AnAccessToTheOwnNodeIsOneToItsMemory) {
  in_child([] {
    TorusBench bench;
    Initiator& chip = bench.initiator(2);
    chip.send({100, false, 2 * bench.memory_bytes() + 512, 512});
    bench.run(3000);
    // One cycle into the endpoint, the memory's own as from the table, one cycle back.
    EXPECT_EQ(chip.answers()[0].answered, 101U + 1 + 16 + 22 + 8 + 1);
    EXPECT_EQ(bench.endpoint(2).counts().own, 1U);
    EXPECT_EQ(bench.endpoint(2).counts().requests, 0U);
    bench.verify();
  });
}

// --- any byte of any chip from any other --------------------------------------------------------

/// Requests with data of their own, and what the memories of all nodes should hold.
class Traffic {
 public:
  Traffic(TorusBench& bench, unsigned node) : initiator_(bench.initiator(node)) {
    initiator_.prepare([this](Payload& payload) {
      payload.set_data_ptr(data_[next_].data());
      ++next_;
    });
  }
  void write(Cycle at, std::uint64_t address, const std::vector<std::uint8_t>& bytes) {
    data_.push_back(bytes);
    initiator_.send({at, true, address, static_cast<unsigned>(bytes.size())});
  }
  void read(Cycle at, std::uint64_t address, unsigned bytes) {
    data_.emplace_back(bytes, std::uint8_t{0xee});
    initiator_.send({at, false, address, bytes});
  }
  const std::vector<std::uint8_t>& data(std::size_t request) const { return data_[request]; }
  Initiator& initiator() { return initiator_; }

 private:
  Initiator& initiator_;
  std::deque<std::vector<std::uint8_t>> data_;
  std::size_t next_ = 0;
};

std::vector<std::uint8_t> noise(Rng& rng, std::size_t bytes) {
  std::vector<std::uint8_t> data(bytes);
  for (std::uint8_t& byte : data) byte = static_cast<std::uint8_t>(rng.bits());
  return data;
}

TEST(TorusEndpoint, EveryChipReadsWhatAnyOtherHasWritten) {
  in_child([] {
    TorusBenchOptions options;
    options.fabric = "x: 3, y: 2, z: 2";
    TorusBench bench(options);
    Rng rng(1, "test", "bytes");
    constexpr unsigned nodes = 12;
    std::deque<Traffic> writers;
    std::deque<Traffic> readers;
    for (unsigned node = 0; node < nodes; ++node) {
      writers.emplace_back(bench, node);
      readers.emplace_back(bench, node);
    }
    struct Written {
      std::uint64_t address;
      std::vector<std::uint8_t> bytes;
    };
    std::vector<Written> all;
    // Lengths on both sides of packets and stripes, at addresses that are no multiples of anything.
    for (unsigned from = 0; from < nodes; ++from) {
      for (unsigned to = 0; to < nodes; ++to) {
        const std::uint64_t address = to * bench.memory_bytes() + from * 8192 + rng.below(512);
        all.push_back({address, noise(rng, 1 + rng.below(3000))});
        writers[from].write(100 + rng.below(2000), address, all.back().bytes);
      }
    }
    for (unsigned reader = 0; reader < nodes; ++reader) {
      for (const Written& w : all) {
        readers[reader].read(200'000, w.address, static_cast<unsigned>(w.bytes.size()));
      }
    }
    bench.run(2'000'000);
    for (unsigned reader = 0; reader < nodes; ++reader) {
      ASSERT_EQ(readers[reader].initiator().answers().size(), all.size());
      for (std::size_t i = 0; i < all.size(); ++i) {
        ASSERT_EQ(readers[reader].initiator().answers()[i].status, tlm::TLM_OK_RESPONSE);
        ASSERT_EQ(readers[reader].data(i), all[i].bytes) << "node " << reader << ", access " << i;
      }
    }
    for (unsigned i = 0; i < 2 * nodes; ++i) EXPECT_EQ(bench.checker_of(i).open(), 0U);
    bench.verify();
  });
}

TEST(TorusEndpoint, ABlockingInitiatorOffTheCalendarReachesEveryNode) {
  in_child([] {
    TorusBench bench;
    struct Outside : sc_core::sc_module {
      tlm_utils::simple_initiator_socket<Outside> socket;
      std::uint64_t memory_bytes;
      std::uint64_t found = 0;
      double read_ns = 0;
      SC_HAS_PROCESS(Outside);
      Outside(const sc_core::sc_module_name& module_name, std::uint64_t bytes)
          : sc_core::sc_module(module_name), socket("socket"), memory_bytes(bytes) {
        SC_THREAD(run);
      }
      std::uint64_t access(tlm::tlm_command command, std::uint64_t address, std::uint64_t value) {
        tlm::tlm_generic_payload payload;
        payload.set_command(command);
        payload.set_address(address);
        payload.set_data_ptr(reinterpret_cast<unsigned char*>(&value));
        payload.set_data_length(8);
        payload.set_streaming_width(8);
        sc_core::sc_time delay = sc_core::sc_time(300, sc_core::SC_PS);
        socket->b_transport(payload, delay);
        EXPECT_EQ(payload.get_response_status(), tlm::TLM_OK_RESPONSE);
        EXPECT_EQ(delay, sc_core::SC_ZERO_TIME);
        return value;
      }
      void run() {
        for (std::uint64_t node = 0; node < 4; ++node) {
          access(tlm::TLM_WRITE_COMMAND, node * memory_bytes + 4096, 1000 + node);
        }
        const double before = sc_core::sc_time_stamp().to_seconds() * 1e9;
        found = access(tlm::TLM_READ_COMMAND, memory_bytes + 4096, 0);
        read_ns = sc_core::sc_time_stamp().to_seconds() * 1e9 - before;
      }
    } outside("outside", bench.memory_bytes());
    outside.socket.bind(bench.checker(0).from_initiator);
    bench.run(20'000);
    EXPECT_EQ(outside.found, 1001U);
    EXPECT_NEAR(outside.read_ns, 1258, 40) << "a row hit and less data than the read above";
    bench.verify();
  });
}

TEST(TorusEndpoint, DebugAccessTakesNoTimeAndLeavesNoTrace) {
  in_child([] {
    TorusBench bench;
    Initiator& chip = bench.initiator(0);
    chip.send({100, false, 2 * bench.memory_bytes(), 64});
    std::uint64_t value = 77;
    tlm::tlm_generic_payload payload;
    payload.set_command(tlm::TLM_WRITE_COMMAND);
    payload.set_address(3 * bench.memory_bytes() + 8);
    payload.set_data_ptr(reinterpret_cast<unsigned char*>(&value));
    payload.set_data_length(8);
    bench.run(50);
    const std::uint64_t before = bench.hash();
    EXPECT_EQ(chip.socket->transport_dbg(payload), 8U);
    payload.set_command(tlm::TLM_READ_COMMAND);
    value = 0;
    EXPECT_EQ(chip.socket->transport_dbg(payload), 8U);
    EXPECT_EQ(value, 77U);
    EXPECT_EQ(payload.get_address(), 3 * bench.memory_bytes() + 8);
    payload.set_address(4 * bench.memory_bytes());
    EXPECT_EQ(chip.socket->transport_dbg(payload), 0U) << "there is no fifth node";
    bench.run(100);
    EXPECT_EQ(bench.hash(), before);
    bench.run(5000);
    bench.verify();
  });
}

/// The nodes of a scenario's run, made and wired as the run does it, before its first cycle.
class WiredRun {
 public:
  explicit WiredRun(const std::string& workload)
      : scenario_(load_text("switch: torus\nfabric: {topology: torus, x: 2, y: 2}\nworkload: " +
                                workload + "\n",
                            "test.yaml")
                      .front()),
        work_(make_torus_work(scenario_, bench_.clock(), {})),
        fabric_(scenario_, draw(scenario_), bench_.environment(),
                [this](const TorusNodePlace& place) { return work_->make_node(place); }) {
    for (unsigned node = 0; node < 4; ++node) {
      initiators_.push_back(
          std::make_unique<Initiator>(("outside" + std::to_string(node)).c_str(), bench_.clock()));
      initiators_.back()->socket.bind(endpoint(node).memory_map);
    }
  }
  TorusEndpoint& endpoint(unsigned node) {
    return dynamic_cast<TorusEndpoint&>(*fabric_.nodes().at(node));
  }
  Clock& clock() { return bench_.clock(); }
  Initiator& initiator(unsigned node) { return *initiators_[node]; }
  void run(Cycle last) { bench_.run(last); }
  std::uint64_t node_bytes() const { return scenario_.accelerator.memory_bytes(); }
  /// Of a word in the memory of `node`, by the map of chip `chip`; how many bytes were moved.
  unsigned debug(unsigned chip, unsigned node, tlm::tlm_command command, std::uint64_t& word) {
    const std::uint64_t address = node * node_bytes() + 64;
    Payload payload;
    payload.set_command(command);
    payload.set_address(address);
    payload.set_data_ptr(reinterpret_cast<unsigned char*>(&word));
    payload.set_data_length(sizeof word);
    const unsigned bytes = initiators_[chip]->socket->transport_dbg(payload);
    EXPECT_EQ(payload.get_address(), address);
    return bytes;
  }

 private:
  Workbench bench_;
  Scenario scenario_;
  std::unique_ptr<TorusWork> work_;
  TorusFabric fabric_;
  std::vector<std::unique_ptr<Initiator>> initiators_;
};

// In a collective the chips have no memories of their own: those of this test take their places.
TEST(TorusEndpoint, DebugAccessGoesFromAnyChipToAnyInACollective) {
  in_child([] {
    WiredRun run("{pattern: collective, message: 1 KiB}");
    std::vector<std::unique_ptr<Hbm>> memories;
    for (unsigned node = 0; node < 3; ++node) {
      memories.push_back(std::make_unique<Hbm>(("memory" + std::to_string(node)).c_str(),
                                               run.clock(), torus_memory(), Contents::stored));
      run.endpoint(node).memory.bind(memories.back()->socket);
    }
    run.run(0);
    for (unsigned chip = 0; chip < 4; ++chip) {
      for (unsigned node = 0; node < 3; ++node) {
        std::uint64_t word = 100 * chip + node;
        EXPECT_EQ(run.debug(chip, node, tlm::TLM_WRITE_COMMAND, word), sizeof word);
        word = 0;
        EXPECT_EQ(run.debug(3 - chip, node, tlm::TLM_READ_COMMAND, word), sizeof word);
        EXPECT_EQ(word, 100 * chip + node);
      }
      std::uint64_t word = 1;
      EXPECT_EQ(run.debug(chip, 3, tlm::TLM_READ_COMMAND, word), 0U) << "chip 3 has no memory";
      EXPECT_EQ(run.debug(chip, 4, tlm::TLM_READ_COMMAND, word), 0U) << "there is no fifth chip";
    }
  });
}

TEST(TorusEndpoint, DebugAccessFindsNothingWhereMemoriesKeepNoContents) {
  for (const char* workload : {"{pattern: remote_read}", "{pattern: gemm, m: 64, k: 64, n: 64}"}) {
    in_child([&] {
      WiredRun run(workload);
      run.run(0);
      std::uint64_t word = 7;
      for (unsigned node = 0; node < 4; ++node) {
        EXPECT_EQ(run.debug(0, node, tlm::TLM_READ_COMMAND, word), 0U);
      }
      EXPECT_EQ(word, 7U);
    });
  }
}

// --- back-pressure ------------------------------------------------------------------------------

TEST(TorusEndpoint, EndReqIsWithheldWhileTheWindowIsFull) {
  in_child([] {
    TorusBenchOptions options;
    options.endpoint.outstanding = 2;
    TorusBench bench(options);
    Initiator& chip = bench.initiator(0);
    chip.send({100, false, bench.memory_bytes(), 1024});        // both places
    chip.send({100, false, bench.memory_bytes() + 4096, 512});  // one
    bench.run(10'000);
    const Answer& first = chip.answers()[0];
    const Answer& second = chip.answers()[1];
    EXPECT_EQ(first.accepted, 101U);
    // The first packet's answer comes as that of a single read, the last of its transaction some
    // cycles later: in that cycle the second request finds a place, and not in the one before.
    EXPECT_EQ(second.requested, 102U);
    EXPECT_EQ(second.accepted, 1358U);
    EXPECT_GT(first.answered, second.accepted);
    bench.verify();
  });
}

TEST(TorusEndpoint, RequestsBeyondTheServiceWaitInTheTorusAndNothingIsLost) {
  in_child([] {
    TorusBenchOptions options;
    options.fabric = "x: 4, y: 4, z: 1";
    options.torus = "buffer: 2 KiB";
    options.endpoint.service = 2;
    TorusBench bench(options);
    for (unsigned node = 1; node < 16; ++node) {
      Initiator& chip = bench.initiator(node);
      for (std::uint64_t n = 0; n < 40; ++n) {
        chip.send({100, n % 2 == 0, n * 4096 + node * 64, 1500});  // all of node 0
      }
    }
    bench.run(2'000'000);
    EXPECT_GT(bench.endpoint(0).counts().served, 15U * 40 * 3)
        << "1,500 B are three packets or four";
    EXPECT_EQ(bench.memory_log().reads().count() + bench.memory_log().writes().count(), 600U);
    bench.verify();
  });
}

/// A memory that takes the first `taken` requests and answers none.
class SilentMemory : public sc_core::sc_module {
 public:
  tlm_utils::simple_target_socket<SilentMemory> socket;

  SilentMemory(const sc_core::sc_module_name& module_name, unsigned taken)
      : sc_core::sc_module(module_name), socket("socket"), taken_(taken) {
    socket.register_nb_transport_fw(this, &SilentMemory::nb_transport_fw);
  }

 private:
  tlm::tlm_sync_enum nb_transport_fw(Payload&, tlm::tlm_phase& phase, sc_core::sc_time&) {
    if (taken_ == 0) return tlm::TLM_ACCEPTED;
    --taken_;
    phase = tlm::END_REQ;
    return tlm::TLM_UPDATED;
  }
  unsigned taken_;
};

std::uint64_t state_of(const Device& device, const std::string& name) {
  for (const StateView& view : device.state()) {
    if (view.name == name) return view.read();
  }
  ADD_FAILURE() << "no state " << name;
  return 0;
}

TEST(TorusEndpoint, SaysWhoWaitsForWhomWhenAMemoryIsSilent) {
  in_child([] {
    WiredRun run("{pattern: collective, message: 1 KiB, start: 1 ms}");
    std::vector<std::unique_ptr<SilentMemory>> memories;
    for (unsigned node = 0; node < 4; ++node) {
      memories.push_back(
          std::make_unique<SilentMemory>(("memory" + std::to_string(node)).c_str(), 1));
      run.endpoint(node).memory.bind(memories.back()->socket);
    }
    // Packets of 512 B: two of node 1's memory, which takes one; and one of its own memory's.
    run.initiator(0).send({100, false, run.node_bytes(), 1024});
    run.initiator(0).send({100, false, 4096, 64});
    run.run(5000);
    const auto waits = [&](unsigned node) {
      std::vector<std::string> lines;
      run.endpoint(node).waits(lines);
      std::string text;
      for (const std::string& line : lines) text += line + "\n";
      return text;
    };
    EXPECT_NE(waits(0).find("node0: 2 packets asked of other nodes, 0 of them not yet sent\n"),
              std::string::npos)
        << waits(0);
    EXPECT_NE(waits(0).find("node0: its memory has not answered 0 requests of other nodes and 1 of "
                            "its own\n"),
              std::string::npos)
        << waits(0);
    EXPECT_EQ(waits(1),
              "node1: its memory has not answered 2 requests of other nodes and 0 of its "
              "own, and has not taken the latest\n");
    EXPECT_EQ(waits(2), "");
    EXPECT_EQ(state_of(run.endpoint(0), "window_packets"), 2U);
    EXPECT_EQ(state_of(run.endpoint(0), "waiting_requests"), 0U);
    EXPECT_EQ(state_of(run.endpoint(1), "in_service"), 2U);
    EXPECT_EQ(state_of(run.endpoint(1), "waiting_answers"), 0U);
    EXPECT_EQ(state_of(run.endpoint(2), "in_service"), 0U);
  });
}

// --- errors -------------------------------------------------------------------------------------

TEST(TorusEndpoint, WrongTransactionsAreAnsweredAndGoNowhere) {
  const std::uint64_t node = 1 << 20;
  unsigned char enable[4] = {0xff, 0xff, 0xff, 0xff};
  struct Case {
    std::uint64_t address;
    unsigned bytes;
    std::function<void(Payload&)> change;
    tlm::tlm_response_status status;
  };
  const std::vector<Case> cases{
      {4 * node, 4, {}, tlm::TLM_ADDRESS_ERROR_RESPONSE},
      {~std::uint64_t{0}, 4, {}, tlm::TLM_ADDRESS_ERROR_RESPONSE},
      {2 * node - 2, 4, {}, tlm::TLM_ADDRESS_ERROR_RESPONSE},
      {node, 4, [](Payload& p) { p.set_command(tlm::TLM_IGNORE_COMMAND); },
       tlm::TLM_COMMAND_ERROR_RESPONSE},
      {node, 4, [&](Payload& p) { p.set_byte_enable_ptr(enable); },
       tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE},
      {node, 4, [](Payload& p) { p.set_streaming_width(2); }, tlm::TLM_BURST_ERROR_RESPONSE},
      {node, 0, {}, tlm::TLM_BURST_ERROR_RESPONSE},
      // The memory's own answer, over the torus and back: contents without a data pointer.
      {node, 4, [](Payload& p) { p.set_data_ptr(nullptr); }, tlm::TLM_GENERIC_ERROR_RESPONSE},
      {0, 4, [](Payload& p) { p.set_data_ptr(nullptr); }, tlm::TLM_GENERIC_ERROR_RESPONSE},
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    SCOPED_TRACE(i);
    in_child([&] {
      TorusBench bench;
      Initiator& chip = bench.initiator(0);
      if (cases[i].change) chip.prepare(cases[i].change);
      chip.send({100, false, cases[i].address, cases[i].bytes});
      bench.run(5000);
      ASSERT_EQ(chip.answers().size(), 1U);
      EXPECT_EQ(chip.answers()[0].status, cases[i].status);
      EXPECT_EQ(bench.endpoint(0).counts().errors, 1U);
      EXPECT_EQ(bench.checker_of(0).completed(), 1U);
      bench.verify();
    });
  }
}

// --- order of devices ---------------------------------------------------------------------------

TEST(TorusEndpoint, TheOrderOfDevicesDoesNotMatter) {
  const auto hash_of = [](bool shuffle, bool every_cycle) {
    std::uint64_t* hash = static_cast<std::uint64_t*>(mmap(
        nullptr, sizeof(std::uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    in_child([&] {
      TorusBenchOptions options;
      options.fabric = "x: 2, y: 2, z: 2";
      options.endpoint.outstanding = 4;
      options.endpoint.service = 3;
      options.clock.shuffle_devices = shuffle;
      options.clock.wake_every_cycle = every_cycle;
      TorusBench bench(options);
      Rng rng(7, "test", "order");
      for (unsigned node = 0; node < 8; ++node) {
        Initiator& chip = bench.initiator(node);
        chip.answer_after(rng.below(3));
        for (unsigned n = 0; n < 30; ++n) {
          const std::uint64_t place = rng.below(8) * bench.memory_bytes() + rng.below(1 << 19);
          chip.send({100 + rng.below(5000), rng.below(2) == 0, place, 1 + rng.below(2500)});
        }
      }
      const auto schedule = std::make_shared<CollectiveSchedule>(collective_schedule(
          CollectiveOperation::all_reduce, CollectiveAlgorithm::hierarchical, {{2, 2, 2}}));
      for (unsigned rank = 0; rank < 8; ++rank) {
        for (std::uint32_t tag = 0; tag < 3; ++tag) {
          bench.endpoint(rank).begin_collective({schedule, rank, tag, 40'000}, {},
                                                100 + rng.below(3000));
        }
      }
      bench.run(300'000);
      bench.verify();
      *hash = bench.hash();
    });
    const std::uint64_t found = *hash;
    munmap(hash, sizeof(std::uint64_t));
    return found;
  };
  const std::uint64_t plain = hash_of(false, false);
  EXPECT_NE(plain, 0U);
  EXPECT_EQ(hash_of(true, false), plain);
  EXPECT_EQ(hash_of(false, true), plain);
  EXPECT_EQ(hash_of(true, true), plain);
}

}  // namespace
}  // namespace heddle::testing
