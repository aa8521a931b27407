// A core of an accelerator in its cycles: semaphores, clocks of engines, conflicts in PSUM and at
// the port of SBUF, passes, transfers, barriers, the causes of all cycles, and random programs in
// any order of devices.
#include "accelerator/accelerator_core.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "accelerator/interleave.h"
#include "chip_bench.h"
#include "engine/programs/job_list.h"
#include "kernel/rng.h"
#include "long_tests.h"
#include "register_bus.h"

namespace heddle::testing {
namespace {

/// Runs streams to their end on one chip and shows it to `look`.
void run_streams(const AcceleratorConfig& config, const Streams& streams,
                 const std::function<void(ChipBench&)>& look) {
  in_child([&] {
    ChipBench bench(config, streams);
    bench.finish();
    look(bench);
  });
}

// --- semaphores ----------------------------------------------------------------------------------

/// The cycle in which the sync engine has seen what `step` of `engine` signals.
void expect_seen(Engine engine, const std::vector<Step>& before, Step step, Cycle done) {
  for (const Cycle delay : {1U, 5U}) {
    AcceleratorConfig config = one_core();
    config.semaphore_cycles = delay;
    Streams streams{{0}, {}};
    for (const Step& one : before) streams.add(engine, one);
    streams.add(engine, step.then(0)).add(Engine::sync, pause().after(0));
    step.what.signals[0] = {};
    run_streams(config, streams, [=](ChipBench& bench) {
      EXPECT_EQ(bench.spy().begin(Engine::sync, 0), done - 1 + delay)
          << engine_names[static_cast<unsigned>(engine)] << ", " << delay;
      EXPECT_EQ(bench.spent(Engine::sync, CycleCause::busy), 1U);
    });
  }
}

// Streams begin in cycle 1. `done` is the first cycle in which the instruction is over.
TEST(AcceleratorCore, ASignalIsSeenWhenItsInstructionIsOver) {
  expect_seen(Engine::gpsimd, {}, pause(), 2);
  expect_seen(Engine::scalar, {}, elementwise(100), 1 + 2 * 164);
  expect_seen(Engine::tensor, {}, load(), 1 + 32);
  // The last sum of the pass leaves the last column R - 1 + C - 1 cycles after it has begun.
  expect_seen(Engine::tensor, {load()}, pass(512), 33 + 512 + 127 + 127);
}

TEST(AcceleratorCore, SemaphoresCount) {
  // Three signals of 2; the waiter wants 5, then 1.
  Streams streams{{0}, {}};
  streams.add(Engine::scalar, elementwise(100).then(0, 2), 3)
      .add(Engine::sync, pause().after(0, 5))
      .add(Engine::sync, pause().after(0, 1));
  run_streams(one_core(), streams, [](ChipBench& bench) {
    EXPECT_EQ(bench.spy().begin(Engine::sync, 0), 1U + 3 * 328);
    EXPECT_EQ(bench.spy().begin(Engine::sync, 1), 2U + 3 * 328);
  });
}

TEST(AcceleratorCore, ASemaphoreBeginsWithWhatItIsGiven) {
  Streams streams{{3}, {}};
  streams.add(Engine::sync, pause().after(0), 3);
  run_streams(one_core(), streams, [](ChipBench& bench) {
    EXPECT_EQ(bench.spy().begin(Engine::sync, 2), 3U) << "one instruction per cycle";
  });
}

TEST(AcceleratorCore, AnInstructionWaitsForAllOfItsSemaphores) {
  Streams streams{{0, 0, 0}, {}};
  streams.add(Engine::scalar, elementwise(100).then(0))
      .add(Engine::vector, elementwise(100).then(1))
      .add(Engine::gpsimd, elementwise(0).then(2))
      .add(Engine::sync, pause().after(0).after(1).after(2));
  run_streams(one_core(), streams, [](ChipBench& bench) {
    EXPECT_EQ(bench.spy().begin(Engine::sync, 0), 1U + 410 + 128) << "gpsimd waits for the port";
    EXPECT_EQ(bench.spent(Engine::sync, CycleCause::scalar), 328U);
    EXPECT_EQ(bench.spent(Engine::sync, CycleCause::vector), 410U - 328);
    EXPECT_EQ(bench.spent(Engine::sync, CycleCause::gpsimd), 128U);
  });
}

// --- engines -------------------------------------------------------------------------------------

TEST(AcceleratorCore, EnginesRunInTheirOwnClocks) {
  // 64 + n cycles of 0.96 GHz are 2.5 of 2.4 GHz each, of 1.2 GHz two.
  Streams streams;
  streams.add(Engine::vector, elementwise(100))
      .add(Engine::vector, elementwise(101))
      .add(Engine::scalar, elementwise(101));
  run_streams(one_core(), streams, [](ChipBench& bench) {
    EXPECT_EQ(bench.spy().of(Engine::vector)[0].released, 1U + 410);
    EXPECT_EQ(bench.spy().of(Engine::vector)[1].begin, 1U + 410);
    EXPECT_EQ(bench.spy().of(Engine::vector)[1].released, 1U + 410 + 413) << "412.5 rounded up";
    EXPECT_EQ(bench.spy().of(Engine::scalar)[0].released, 1U + 330);
  });
  AcceleratorConfig slow = one_core();
  slow.gpsimd_clock = Frequency{100'000'000};
  slow.instruction_cycles = 0;
  Streams one;
  one.add(Engine::gpsimd, elementwise(10));
  run_streams(slow, one, [](ChipBench& bench) {
    EXPECT_EQ(bench.spy().of(Engine::gpsimd)[0].released, 1U + 240);
  });
}

TEST(AcceleratorCore, PassesFollowEachOtherWhileTilesLoadBehindThem) {
  // Case 26: 512 cycles per 128 x 128 x 512 tile, back to back.
  Streams streams;
  for (unsigned tile = 0; tile < 10; ++tile) {
    streams.add(Engine::tensor, load())
        .add(Engine::tensor, pass(512, static_cast<std::uint8_t>(tile % 8)));
  }
  run_streams(one_core(), streams, [](ChipBench& bench) {
    const auto spans = bench.spy().of(Engine::tensor);
    for (unsigned tile = 0; tile < 10; ++tile) {
      EXPECT_EQ(spans[2 * tile + 1].begin, 33U + 512 * tile);
      EXPECT_EQ(spans[2 * tile + 1].released, 33U + 512 * (tile + 1));
      // The next tile loads from the cycle after the start of the pass.
      EXPECT_EQ(spans[2 * tile].begin, tile == 0 ? 1U : 33U + 512 * (tile - 1) + 1);
    }
    EXPECT_EQ(bench.chip().finished_at(), 33U + 5120 + 254);
    EXPECT_EQ(bench.spent(Engine::tensor, CycleCause::idle), 1U);
    EXPECT_EQ(bench.spent(Engine::tensor, CycleCause::load), 32U);
    EXPECT_EQ(bench.spent(Engine::tensor, CycleCause::busy), 5120U);
    EXPECT_EQ(bench.spent(Engine::tensor, CycleCause::drain), 254U);
    EXPECT_EQ(bench.core().flops(), 10ULL * 2 * 128 * 128 * 512);
    EXPECT_EQ(bench.core().kernels().at(0).flops, bench.core().flops());
  });
}

TEST(AcceleratorCore, TypesTakeTheirCycles) {
  const auto passes = [](DataType type, std::uint16_t rows, Cycle begin, Cycle each) {
    Streams streams;
    streams.add(Engine::tensor, load(rows, 128, type))
        .add(Engine::tensor, pass(512, 0, type))
        .add(Engine::tensor, pass(512, 1, type));
    run_streams(one_core(), streams, [=](ChipBench& bench) {
      EXPECT_EQ(bench.spy().begin(Engine::tensor, 1), begin) << data_type_name(type);
      EXPECT_EQ(bench.spy().begin(Engine::tensor, 2), begin + each) << data_type_name(type);
      EXPECT_EQ(bench.core().flops(), 2ULL * 2 * rows * 128 * 512);
    });
  };
  passes(DataType::bf16, 128, 33, 512);
  passes(DataType::fp8, 256, 33, 512);
  passes(DataType::fp32, 128, 1 + 4 * 32, 4 * 512);
  passes(DataType::int8, 1, 2, 512);
}

TEST(AcceleratorCore, AThrottledArrayKeepsThePaceOfItsLimit) {
  AcceleratorConfig config = one_core();
  config.throttle.enabled = true;
  Streams streams;
  streams.add(Engine::tensor, load()).add(Engine::tensor, pass(512), 20);
  run_streams(config, streams, [](ChipBench& bench) {
    const Cycle ramp = 7200;  // 3 us
    Cycle at = 33;
    Cycle held = 0;
    const auto spans = bench.spy().of(Engine::tensor);
    for (std::size_t i = 1; i <= 20; ++i) {
      ASSERT_EQ(spans[i].begin, at) << "pass " << i;
      const Cycle after = at - 33;
      // 512 by 1/2 (1 + after / ramp)
      const Cycle step = after >= ramp ? 512 : (2 * 512 * ramp + ramp + after - 1) / (ramp + after);
      if (i < 20) held += step - 512;
      at += step;
    }
    EXPECT_EQ(bench.spent(Engine::tensor, CycleCause::throttle), held);
    EXPECT_EQ(bench.core().throttle().engagements(), 1U);
    EXPECT_EQ(bench.spy().limits.front(), std::make_pair(Cycle{33}, 0.5));
    EXPECT_EQ(bench.spy().limits.back().second, 1);
  });
}

// --- PSUM and SBUF -------------------------------------------------------------------------------

TEST(AcceleratorCore, SumsAreReadWhenTheLastHasReachedItsBank) {
  for (const bool same : {true, false}) {
    Streams streams{{0}, {}};
    streams.add(Engine::tensor, load().then(0))
        .add(Engine::tensor, pass(512, 3))
        .add(Engine::scalar, elementwise(10, same ? 3 : 4).after(0));
    run_streams(one_core(), streams, [=](ChipBench& bench) {
      // Both want it in cycle 33; the sums arrive until 798.
      EXPECT_EQ(bench.spy().begin(Engine::scalar, 0), same ? 799U : 33U);
      EXPECT_EQ(bench.spent(Engine::scalar, CycleCause::psum_bank), same ? 799U - 33 : 0U);
    });
  }
}

TEST(AcceleratorCore, APassStartsSoThatItsFirstSumFindsTheBankFree) {
  for (const bool same : {true, false}) {
    Streams streams;
    streams
        .add(Engine::vector, elementwise(936, 5))  // 1000 cycles of its own
        .add(Engine::tensor, load())
        .add(Engine::tensor, pass(100, same ? 5 : 6));
    run_streams(one_core(), streams, [=](ChipBench& bench) {
      EXPECT_EQ(bench.spy().begin(Engine::tensor, 1), same ? 2501U - 127 : 33U);
      EXPECT_EQ(bench.spent(Engine::tensor, CycleCause::psum_bank), same ? 2501U - 127 - 2 : 0U)
          << "of what it waits for, the last counts";
    });
  }
}

TEST(AcceleratorCore, TwoEnginesTakeTurnsAtABank) {
  Streams streams;
  streams.add(Engine::vector, elementwise(36, 0)).add(Engine::scalar, elementwise(36, 0));
  run_streams(one_core(), streams, [](ChipBench& bench) {
    EXPECT_EQ(bench.spy().begin(Engine::vector, 0), 1U);
    EXPECT_EQ(bench.spy().begin(Engine::scalar, 0), 251U);
  });
}

TEST(AcceleratorCore, VectorAndGeneralEngineShareAPortOfSbuf) {
  Streams streams;
  streams.add(Engine::gpsimd, elementwise(36))
      .add(Engine::vector, elementwise(36), 2)
      .add(Engine::scalar, elementwise(36));
  run_streams(one_core(), streams, [](ChipBench& bench) {
    EXPECT_EQ(bench.spy().begin(Engine::vector, 0), 1U);
    EXPECT_EQ(bench.spy().begin(Engine::vector, 1), 251U) << "it is named first";
    EXPECT_EQ(bench.spy().begin(Engine::gpsimd, 0), 501U);
    EXPECT_EQ(bench.spy().begin(Engine::scalar, 0), 1U);
    EXPECT_EQ(bench.spent(Engine::gpsimd, CycleCause::sbuf_port), 500U);
  });
}

// --- transfers -----------------------------------------------------------------------------------

constexpr Cycle start = 3120;  // 1300 ns
constexpr Cycle whole = 428;   // 4 KiB at 23 B/ns
constexpr Cycle least = 257;   // 107 ns

/// When the sync engine, which waits for each of them, has seen transfers posted by the scalar one.
std::vector<Cycle> seen(ChipBench& bench) {
  std::vector<Cycle> cycles;
  for (const CoreSpy::Span& span : bench.spy().of(Engine::sync)) cycles.push_back(span.begin);
  return cycles;
}

TEST(AcceleratorCore, ADescriptorCostsItsBytesOrTheLeastTime) {
  const std::pair<std::uint64_t, Cycle> costs[] = {
      {64, least}, {2048, least}, {2461, least}, {2464, 258}, {4096, whole}};
  for (const auto& [bytes, cost] : costs) {
    for (const bool write : {false, true}) {
      Streams streams{{0}, {}};
      streams.add(Engine::scalar, transfer(bytes, 0, 0, write).then(0))
          .add(Engine::sync, pause().after(0));
      run_streams(one_core(), streams, [bytes = bytes, cost = cost](ChipBench& bench) {
        EXPECT_EQ(seen(bench), std::vector<Cycle>{1 + start + cost}) << bytes;
        const TransferTimes& times = bench.spy().transfers.at(0).times;
        EXPECT_EQ(times.posted, 1U);
        EXPECT_EQ(times.begun, 1 + start);
        EXPECT_EQ(times.stalled, 0U);
        EXPECT_EQ(times.worked, cost);
        // The engine that waits knows of whom: the poster, then the DMA engines.
        EXPECT_EQ(bench.spent(Engine::sync, CycleCause::dma), start + cost);
      });
    }
  }
}

TEST(AcceleratorCore, SixteenEnginesWorkSideBySide) {
  const std::pair<std::uint64_t, Cycle> turns[] = {
      {16 * 4096, whole}, {16 * 4096 + 1, whole + least}, {64 * 4096, 4 * whole}};
  for (const auto& [bytes, cost] : turns) {
    Streams streams{{0}, {}};
    streams.add(Engine::scalar, transfer(bytes).then(0)).add(Engine::sync, pause().after(0));
    run_streams(one_core(), streams, [bytes = bytes, cost = cost](ChipBench& bench) {
      EXPECT_EQ(seen(bench), std::vector<Cycle>{1 + start + cost}) << bytes;
      EXPECT_EQ(bench.core().dma().counts().descriptors, (bytes + 4095) / 4096);
    });
  }
}

/// Two transfers of 4 descriptors each on one DMA engine.
Streams two_transfers(std::uint8_t second_queue) {
  Streams streams{{0, 0}, {}};
  streams.add(Engine::scalar, transfer(4 * 4096, 0, 0).then(0))
      .add(Engine::scalar, transfer(4 * 4096, 1 << 20, second_queue).then(1))
      .add(Engine::sync, pause().after(0))
      .add(Engine::sync, pause().after(1));
  return streams;
}

TEST(AcceleratorCore, AQueueIsInOrderAndQueuesTakeTurns) {
  AcceleratorConfig config = one_core();
  config.dma.engines = 1;
  run_streams(config, two_transfers(0), [](ChipBench& bench) {
    EXPECT_EQ(seen(bench), (std::vector<Cycle>{1 + start + 4 * whole, 1 + start + 8 * whole}));
  });
  run_streams(config, two_transfers(1), [](ChipBench& bench) {
    EXPECT_EQ(seen(bench), (std::vector<Cycle>{1 + start + 7 * whole, 1 + start + 8 * whole}));
    EXPECT_EQ(bench.spy().transfers.at(1).times.begun, 1 + start + whole);
  });
}

TEST(AcceleratorCore, TransfersOfAQueueEndInTheirOrder) {
  AcceleratorConfig config = one_core();
  config.dma.engines = 2;
  Streams streams{{0, 0}, {}};
  streams.add(Engine::scalar, transfer(4096).then(0))
      .add(Engine::scalar, transfer(64, 1 << 20).then(1))  // on the other engine
      .add(Engine::sync, pause().after(1));
  run_streams(config, streams, [](ChipBench& bench) {
    EXPECT_EQ(bench.spy().transfers.at(1).times.begun, 2 + start);
    EXPECT_EQ(seen(bench), std::vector<Cycle>{1 + start + whole});
    EXPECT_EQ(bench.spent(Engine::sync, CycleCause::hbm), 0U) << "an engine has worked until then";
  });
}

TEST(AcceleratorCore, ATransferPostedToABusyEngineBeginsWhenItIsFree) {
  AcceleratorConfig config = one_core();
  config.dma.engines = 2;
  config.dma.start = 1_ns;  // 3 cycles: sooner than a descriptor is over
  Streams streams;
  streams.add(Engine::sync, transfer(4096 + 64))
      .add(Engine::scalar, elementwise(0))
      .add(Engine::scalar, transfer(2 * 4096, 1 << 20, 1));
  run_streams(config, streams, [](ChipBench& bench) {
    ASSERT_EQ(bench.spy().transfers.size(), 2U);
    EXPECT_EQ(bench.spy().transfers[1].times.posted, 1U + 128);
    EXPECT_EQ(bench.spy().transfers[1].times.begun, 4U + least) << "the engine with the 64 bytes";
  });
}

TEST(AcceleratorCore, BytesLieInStripesAcrossTheStacks) {
  for (const std::uint64_t address : {0U, 2048U, 12'345U, 40'960U}) {
    const std::uint64_t bytes = 64 * 1024 + 100;
    Streams streams;
    streams.add(Engine::sync, transfer(bytes, address)).add(Engine::sync, transfer(64, 0, 1, true));
    run_streams(one_core(), streams, [=](ChipBench& bench) {
      std::vector<std::uint64_t> expected(4, 0);
      for (std::uint64_t byte = address; byte < address + bytes; ++byte)
        ++expected[byte / 4096 % 4];
      for (unsigned stack = 0; stack < 4; ++stack) {
        EXPECT_EQ(bench.chip().memories()[stack]->counts().bytes_read, expected[stack])
            << "stack " << stack << ", address " << address;
      }
      EXPECT_EQ(bench.chip().memories()[0]->counts().bytes_written, 64U);
    });
  }
}

TEST(AcceleratorCore, ASlowMemoryHoldsTheEngines) {
  AcceleratorConfig config = one_core();
  config.memory.stacks = 1;
  config.memory.stack.channels = 1;
  config.memory.stack.channel_rate = 64_Gbps;
  Streams streams{{0}, {}};
  streams.add(Engine::scalar, transfer(512 << 10).then(0)).add(Engine::sync, pause().after(0));
  run_streams(config, streams, [](ChipBench& bench) {
    const Cycle bus = (512 << 10) * 3 / 10;  // 8 B/ns are 10/3 bytes per cycle
    const Cycle done = seen(bench).at(0);
    EXPECT_GT(done, 1 + start + bus);
    EXPECT_LT(done, 1 + start + bus * 11 / 10);
    // Who waits for it waits for the memory, but for the start and what the engines would take.
    const Cycle own = 8 * whole;
    const Cycle memory = bench.spent(Engine::sync, CycleCause::hbm);
    EXPECT_NEAR(static_cast<double>(memory), static_cast<double>(done - 1 - start - own),
                static_cast<double>(bus) * 0.02);
    for (unsigned engine = 0; engine < 16; ++engine) {
      const CycleAccount account = bench.core().dma().account(engine, bench.chip().finished_at());
      EXPECT_EQ(account.cycles(CycleCause::busy), own);
    }
  });
}

// --- a target of the test's own ------------------------------------------------------------------

/// Memory of another chip: one request at a time, in every way that the base protocol allows.
class FarMemory : public BareDevice {
 public:
  enum class Manner { all_phases, no_end_of_request, answers_at_once, taken_at_once };
  tlm_utils::simple_target_socket<FarMemory> socket;

  FarMemory(const sc_core::sc_module_name& module_name, Clock& clock, Manner manner)
      : BareDevice(module_name, clock, 1), socket("socket"), manner_(manner) {
    socket.register_nb_transport_fw(this, &FarMemory::nb_transport_fw);
  }
  std::vector<std::pair<Cycle, std::uint64_t>> requests;  ///< cycle and address

 private:
  static constexpr Cycle taken_after = 10;
  static constexpr Cycle answered_after = 1000;

  tlm::tlm_sync_enum nb_transport_fw(tlm::tlm_generic_payload& payload, tlm::tlm_phase& phase,
                                     sc_core::sc_time&) {
    if (phase == tlm::END_RESP) return tlm::TLM_COMPLETED;
    EXPECT_EQ(phase, tlm::BEGIN_REQ);
    EXPECT_EQ(payload_, nullptr) << "two requests at a time";
    requests.emplace_back(now(), payload.get_address());
    payload.set_response_status(tlm::TLM_OK_RESPONSE);
    if (manner_ == Manner::answers_at_once) return tlm::TLM_COMPLETED;
    payload.acquire();
    payload_ = &payload;
    begun_ = now();
    wake(0, now() + taken_after);
    wake(0, now() + answered_after);
    if (manner_ != Manner::taken_at_once) return tlm::TLM_ACCEPTED;
    phase = tlm::END_REQ;
    return tlm::TLM_UPDATED;
  }

  void cycle() override {
    due_.clear(0);
    if (payload_ == nullptr) return;
    sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
    if (now() == begun_ + taken_after && manner_ == Manner::all_phases) {
      tlm::tlm_phase phase = tlm::END_REQ;
      socket->nb_transport_bw(*payload_, phase, delay);
    }
    if (now() != begun_ + answered_after) return;
    tlm::tlm_phase phase = tlm::BEGIN_RESP;
    tlm::tlm_generic_payload* const answered = std::exchange(payload_, nullptr);
    EXPECT_EQ(socket->nb_transport_bw(*answered, phase, delay), tlm::TLM_COMPLETED);
    answered->release();
  }

  Manner manner_;
  tlm::tlm_generic_payload* payload_ = nullptr;
  Cycle begun_ = 0;
};

TEST(AcceleratorCore, TransfersFromOtherChipsGoThroughATargetSocket) {
  using Manner = FarMemory::Manner;
  for (const Manner manner : {Manner::all_phases, Manner::no_end_of_request,
                              Manner::answers_at_once, Manner::taken_at_once}) {
    in_child([=] {
      Streams streams{{0}, {}};
      streams.add(Engine::scalar, remote(4096, 7ULL << 40).then(0))
          .add(Engine::sync, pause().after(0));
      ChipBench bench(one_core(), streams);
      FarMemory memory("far_memory", bench.clock(), manner);
      bench.core().remote_socket().bind(memory.socket);
      bench.finish();
      ASSERT_EQ(memory.requests.size(), 1U);
      EXPECT_EQ(memory.requests[0], std::make_pair(1 + start, std::uint64_t{7} << 40));
      // What a target says in a cycle counts from the next one on.
      const Cycle done = manner == Manner::answers_at_once ? 1 + start + whole : 2 + start + 1000;
      EXPECT_EQ(seen(bench), std::vector<Cycle>{done});
      EXPECT_EQ(bench.core().dma().counts().bytes_remote, 4096U);
      EXPECT_EQ(bench.spent(Engine::sync, CycleCause::torus), done - (1 + start + whole));
      EXPECT_EQ(bench.spent(Engine::sync, CycleCause::dma), start + whole);
    });
  }
}

TEST(AcceleratorCore, ARequestOfASocketBeginsWhenTheOneBeforeHasEnded) {
  in_child([] {
    AcceleratorConfig config = one_core();
    Streams streams;
    streams.add(Engine::scalar, remote(2 * 4096, 0));
    ChipBench bench(config, streams);
    FarMemory memory("far_memory", bench.clock(), FarMemory::Manner::no_end_of_request);
    bench.core().remote_socket().bind(memory.socket);
    bench.finish();
    ASSERT_EQ(memory.requests.size(), 2U);
    EXPECT_EQ(memory.requests[1].first, memory.requests[0].first + 1001);
  });
}

TEST(AcceleratorCore, RemoteRequestsEndWhereBlocksEnd) {
  in_child([] {
    Streams streams;
    streams.add(Engine::scalar, remote(8192, 2048));
    ChipBench bench(one_core(), streams);
    FarMemory memory("far_memory", bench.clock(), FarMemory::Manner::answers_at_once);
    bench.core().remote_socket().bind(memory.socket);
    bench.finish();
    std::vector<std::uint64_t> addresses;
    for (const auto& request : memory.requests) addresses.push_back(request.second);
    EXPECT_EQ(addresses, (std::vector<std::uint64_t>{2048, 4096, 6144, 8192}));
    EXPECT_EQ(bench.core().dma().counts().descriptors, 2U);
  });
}

TEST(AcceleratorCore, AllStacksOfAChipStandBehindOneSocket) {
  for (const std::uint64_t address : {0U, 4096U, 5000U}) {
    in_child([=] {
      constexpr std::uint64_t bytes = 100'000;
      AcceleratorConfig config = one_core();
      Streams streams;
      streams.add(Engine::scalar, remote(bytes, address));
      ChipBench bench(config, streams);
      Interleave stacks("interleave", 3, config.memory.interleave.value);
      std::vector<std::unique_ptr<Hbm>> memories;
      for (unsigned stack = 0; stack < 3; ++stack) {
        memories.push_back(std::make_unique<Hbm>(fmt::format("far{}", stack).c_str(), bench.clock(),
                                                 config.memory.stack));
        stacks.stack(stack).bind(memories.back()->socket);
      }
      bench.core().remote_socket().bind(stacks.socket);
      bench.finish();
      std::vector<std::uint64_t> expected(3, 0);
      for (std::uint64_t byte = address; byte < address + bytes; ++byte) {
        ++expected[byte / 4096 % 3];
      }
      for (unsigned stack = 0; stack < 3; ++stack) {
        EXPECT_EQ(memories[stack]->counts().bytes_read, expected[stack]) << stack;
        EXPECT_EQ(memories[stack]->counts().errors, 0U);
      }
    });
  }
}

/// Looks at a memory without time.
class Prober : public sc_core::sc_module {
 public:
  tlm_utils::simple_initiator_socket<Prober> socket;
  explicit Prober(const sc_core::sc_module_name& module_name)
      : sc_module(module_name), socket("socket") {}

  /// How many bytes have been moved.
  unsigned access(tlm::tlm_command command, std::uint64_t address, std::string& bytes) {
    tlm::tlm_generic_payload payload;
    payload.set_command(command);
    payload.set_address(address);
    payload.set_data_ptr(reinterpret_cast<unsigned char*>(bytes.data()));
    payload.set_data_length(static_cast<unsigned>(bytes.size()));
    const unsigned moved = socket->transport_dbg(payload);
    EXPECT_EQ(payload.get_address(), address) << "as it was";
    EXPECT_EQ(payload.get_data_length(), bytes.size());
    return moved;
  }
};

TEST(AcceleratorCore, DebugAccessSeesTheStacksAsOneMemory) {
  in_child([] {
    Workbench bench;
    Interleave stacks("interleave", 2, 4096);
    std::vector<std::unique_ptr<Hbm>> memories;
    DramConfig config;
    config.capacity = 1_MiB;
    Prober prober("prober");
    Prober alone("alone");
    for (unsigned stack = 0; stack < 2; ++stack) {
      memories.push_back(std::make_unique<Hbm>(fmt::format("far{}", stack).c_str(), bench.clock(),
                                               config, Contents::stored));
      stacks.stack(stack).bind(memories.back()->socket);
    }
    prober.socket.bind(stacks.socket);
    alone.socket.bind(memories[1]->socket);
    bench.run(1);
    std::string written;
    for (unsigned i = 0; i < 10'000; ++i) written.push_back(static_cast<char>(i * 7 % 251));
    EXPECT_EQ(prober.access(tlm::TLM_WRITE_COMMAND, 3000, written), written.size());
    std::string read(written.size(), ' ');
    EXPECT_EQ(prober.access(tlm::TLM_READ_COMMAND, 3000, read), read.size());
    EXPECT_EQ(read, written);
    // Block 1 is the first of the second stack, block 3 the next one there.
    std::string block(4096, ' ');
    EXPECT_EQ(alone.access(tlm::TLM_READ_COMMAND, 0, block), 4096U);
    EXPECT_EQ(block, written.substr(4096 - 3000, 4096));
    EXPECT_EQ(alone.access(tlm::TLM_READ_COMMAND, 4096, block), 4096U);
    EXPECT_EQ(block.substr(0, 712), written.substr(3 * 4096 - 3000));
    std::string beyond(8192, ' ');
    EXPECT_EQ(prober.access(tlm::TLM_READ_COMMAND, (2 << 20) - 4096, beyond), 4096U)
        << "what there is";
  });
}

// --- barriers ------------------------------------------------------------------------------------

/// Kernels that differ from core to core.
class OwnKernels : public KernelSource {
 public:
  explicit OwnKernels(std::vector<Kernel> kernels) : kernels_(std::move(kernels)) {}
  bool next(unsigned core, Kernel& kernel) override {
    if (given_ >> core & 1) return false;
    given_ |= 1U << core;
    kernel = kernels_[core];
    return true;
  }

 private:
  std::vector<Kernel> kernels_;
  std::uint32_t given_ = 0;
};

TEST(AcceleratorCore, ABarrierEndsSoManyCyclesAfterTheLastCore) {
  in_child([] {
    AcceleratorConfig config = one_core();
    config.cores = 2;
    std::vector<Kernel> kernels;
    for (const std::uint32_t elements : {100U, 1000U}) {
      Streams streams;
      streams.add(Engine::scalar, elementwise(elements).then(0))
          .add(Engine::gpsimd, barrier().after(0).then(1))
          .add(Engine::gpsimd, pause().after(1));
      kernels.push_back(streams.kernel);
    }
    OwnKernels program(kernels);
    ChipBench bench(config, {{"a", 0}, {"b", 0}}, program);
    bench.finish();
    const Cycle last = 1 + 2 * 1064;
    for (unsigned core = 0; core < 2; ++core) {
      EXPECT_EQ(bench.spy().of(Engine::gpsimd, core)[1].begin, last + 240) << "100 ns";
    }
    EXPECT_EQ(bench.spent(Engine::gpsimd, CycleCause::barrier, 0), last + 240 - (1 + 2 * 164) - 1);
  });
}

/// Reduces among chips in 500 cycles.
class Reducer : public BareDevice {
 public:
  explicit Reducer(Clock& clock) : BareDevice("reducer", clock, 1) {}
  void begin(std::uint64_t bytes, Cycle now, std::function<void(Cycle)> done) {
    reduced += bytes;
    done_ = std::move(done);
    wake(0, now + 500);
  }
  std::uint64_t reduced = 0;

 private:
  void cycle() override {
    due_.clear(0);
    if (done_) std::exchange(done_, nullptr)(now() + 7);
  }
  std::function<void(Cycle)> done_;
};

TEST(AcceleratorCore, ABarrierWithBytesWaitsForTheOtherChips) {
  in_child([] {
    Reducer* reducer = nullptr;
    Streams streams{{0}, {}};
    streams.add(Engine::gpsimd, barrier(4096).then(0)).add(Engine::gpsimd, pause().after(0));
    AcceleratorConfig config = one_core();
    config.cores = 3;
    ChipBench bench(config, streams, core_clock(),
                    [&](std::uint64_t bytes, Cycle now, std::function<void(Cycle)> done) {
                      reducer->begin(bytes, now, std::move(done));
                    });
    Reducer device(bench.clock());
    reducer = &device;
    bench.finish();
    EXPECT_EQ(device.reduced, 4096U) << "once per chip";
    for (unsigned core = 0; core < 3; ++core) {
      EXPECT_EQ(bench.spy().of(Engine::gpsimd, core)[1].begin, 1U + 500 + 7 + 240);
    }
    EXPECT_EQ(bench.spent(Engine::gpsimd, CycleCause::collective), 500U + 7 + 240 - 1);
  });
}

TEST(AcceleratorCore, CoresAtDifferentBarriersAreFound) {
  in_child([] {
    AcceleratorConfig config = one_core();
    config.cores = 2;
    std::vector<Kernel> kernels;
    for (const std::uint64_t bytes : {64U, 128U}) {
      Streams streams;
      streams.add(Engine::gpsimd, barrier(bytes));
      kernels.push_back(streams.kernel);
    }
    OwnKernels program(kernels);
    ChipBench bench(config, {}, program);
    EXPECT_THROW(bench.run(100), CheckFailure);
  });
}

// --- who waits for whom --------------------------------------------------------------------------

TEST(AcceleratorCore, ASemaphoreThatNobodySignalsIsReported) {
  in_child([] {
    Streams streams{{0, 0}, {}};
    streams.kernel.name = "mine";
    streams.add(Engine::tensor, load())
        .add(Engine::tensor, pass(512).after(1, 2).then(0))
        .add(Engine::vector, elementwise(5).after(0));
    ChipBench bench(one_core(), streams);
    bench.run(5000);
    EXPECT_FALSE(bench.chip().done());
    std::vector<std::string> lines;
    bench.core().waits(lines);
    const std::vector<std::string> expected{
        "chip0_core0.tensor: multiply_moving 1 of kernel mine waits for 2 of semaphore b, which "
        "has 0; nobody signals it any more",
        "chip0_core0.vector: elementwise 0 of kernel mine waits for 1 of semaphore a, which has 0; "
        "tensor signals it in its multiply_moving 1"};
    EXPECT_EQ(lines, expected);
    bench.check_laws();
    EXPECT_THROW(bench.core().verify(true), CheckFailure);
    EXPECT_EQ(bench.core().last_progress(), 33U) << "the load";
  });
}

TEST(AcceleratorCore, AnInstructionUnderWayIsProgress) {
  in_child([] {
    Streams streams;
    streams.add(Engine::scalar, elementwise(1'000'000));
    ChipBench bench(one_core(), streams);
    bench.run(1'500'000);
    EXPECT_EQ(bench.core().last_progress(), 1'500'001U) << "which begins";
    bench.run(3'000'000);
    EXPECT_EQ(bench.core().last_progress(), 1U + 2 * 1'000'064);
  });
}

// --- the causes of cycles ------------------------------------------------------------------------

TEST(AcceleratorCore, EveryCycleHasACauseWheneverOneLooks) {
  in_child([] {
    Streams streams{{0, 0}, {}};
    streams.add(Engine::sync, transfer(100'000).then(0))
        .add(Engine::tensor, load().after(0))
        .add(Engine::tensor, pass(512).then(1))
        .add(Engine::vector, elementwise(512, 0).after(1));
    ChipBench bench(one_core(), streams);
    for (Cycle last = 0; last < 9000; last += 37) {
      bench.run(last);
      for (unsigned e = 0; e < engine_count; ++e) {
        bench.core().account(static_cast<Engine>(e), last + 1).verify(last + 1);
      }
      for (unsigned e = 0; e < 16; ++e) bench.core().dma().account(e, last + 1).verify(last + 1);
    }
    EXPECT_TRUE(bench.chip().done());
  });
}

/// Jobs of a chip on one core or several.
void run_jobs(const AcceleratorConfig& config, const std::vector<Job>& jobs,
              const std::function<void(ChipBench&)>& look,
              const ClockOptions& options = core_clock()) {
  in_child([&] {
    ChipProgram program(config, DataType::bf16, jobs);
    ChipBench bench(config, CoreProgram::semaphores(config, DataType::bf16), program, options);
    bench.finish(1'000'000'000);
    look(bench);
  });
}

TEST(AcceleratorCore, OneCoreIsBoundByItsDmaAndEightByTheirMemory) {
  // A product of a decoded token reads each weight for one row: 33.5 MB.
  const std::vector<Job> jobs{GemmJob{"decode", {1, 4096, 4096}}};
  AcceleratorConfig config = one_core();
  run_jobs(config, jobs, [](ChipBench& bench) {
    const Cycle dma = bench.spent(Engine::tensor, CycleCause::dma);
    EXPECT_GT(dma, 20 * bench.spent(Engine::tensor, CycleCause::hbm));
    // Each of the 1024 tiles is a pass of one row, which takes 64 cycles all the same.
    EXPECT_EQ(bench.spent(Engine::tensor, CycleCause::busy), 1024U * 64);
    // 16 engines of 23 B/ns: 153.3 bytes per cycle.
    const double rate = 33.6e6 / static_cast<double>(bench.chip().finished_at());
    EXPECT_GT(rate, 0.9 * 153.3);
    EXPECT_LE(rate, 153.4);
  });
  config.cores = 8;
  run_jobs(config, {GemmJob{"decode", {1, 16384, 16384}}}, [](ChipBench& bench) {
    // Memory: 2.9 TB/s, 1208 bytes per cycle, less than eight times 153.
    const double rate = 16384.0 * 16384 * 2 / static_cast<double>(bench.chip().finished_at());
    EXPECT_GT(rate, 0.8 * 1208);
    EXPECT_LE(rate, 1208);
    Cycle hbm = 0;
    Cycle dma = 0;
    for (unsigned core = 0; core < 8; ++core) {
      hbm += bench.spent(Engine::tensor, CycleCause::hbm, core);
      dma += bench.spent(Engine::tensor, CycleCause::dma, core);
    }
    EXPECT_GT(hbm, dma);
  });
}

TEST(AcceleratorCore, AProductMovesWhatArithmeticSays) {
  AcceleratorConfig config = one_core();
  config.cores = 4;
  const GemmJob job{"product", {700, 900, 1100}};
  run_jobs(config, {job}, [=](ChipBench& bench) {
    std::uint64_t flops = 0;
    std::uint64_t bytes = 0;
    std::uint64_t recorded = 0;
    for (unsigned core = 0; core < 4; ++core) {
      flops += bench.core(core).flops();
      const DmaCounts& counts = bench.core(core).dma().counts();
      bytes += counts.bytes_read + counts.bytes_written;
      for (const KernelRecord& kernel : bench.core(core).kernels()) recorded += kernel.bytes_read;
      for (const KernelRecord& kernel : bench.core(core).kernels()) {
        recorded += kernel.bytes_written;
        EXPECT_LE(kernel.begin, kernel.end);
        EXPECT_LE(kernel.end, bench.chip().finished_at());
      }
    }
    EXPECT_EQ(flops, 2ULL * 700 * 900 * 1100);
    EXPECT_EQ(bytes, CoreProgram::gemm_bytes(config, job));
    EXPECT_EQ(recorded, bytes);
    std::uint64_t memory = 0;
    for (const auto& stack : bench.chip().memories()) {
      memory += stack->counts().bytes_read + stack->counts().bytes_written;
    }
    EXPECT_EQ(memory, bytes);
  });
}

// --- random programs, in any order ---------------------------------------------------------------

/// Streams that end in any order of things: tokens are given before they are taken, in one order
/// of all instructions, and each semaphore has one taker.
Streams random_streams(Rng& random, unsigned instructions) {
  constexpr unsigned semaphores = 10;
  Streams streams{std::vector<std::uint32_t>(semaphores, 0), {}};
  std::vector<std::uint32_t> given(semaphores, 0);
  streams.kernel.name = "random";
  streams.add(Engine::tensor, load());
  for (unsigned i = 0; i < instructions; ++i) {
    const auto engine = static_cast<Engine>(random.below(engine_count));
    const bool tensor = engine == Engine::tensor;
    const auto bank = static_cast<std::uint8_t>(random.below(8));
    const std::uint32_t kind = random.below(10);
    Step step;
    if (kind < 2) {
      step = transfer(1 + random.below(40'000), random.below(1 << 24),
                      static_cast<std::uint8_t>(random.below(4)), random.below(2) == 0);
    } else if (kind == 2 && engine == Engine::gpsimd) {
      step = barrier();
    } else if (kind < 5 && tensor) {
      step = load(static_cast<std::uint16_t>(1 + random.below(128)),
                  static_cast<std::uint16_t>(1 + random.below(128)));
    } else if (tensor) {
      step = pass(1 + random.below(512), bank);
    } else if (engine != Engine::sync && kind < 9) {
      step = elementwise(random.below(600), random.below(2) == 0 ? bank : no_bank);
    }
    for (unsigned use = 0; use < 2; ++use) {
      const auto s = static_cast<std::uint16_t>(static_cast<unsigned>(engine) + 5 * use);
      if (given[s] == 0 || random.below(2) == 0) continue;
      const auto count = static_cast<std::uint16_t>(1 + random.below(given[s]));
      given[s] -= count;
      step.after(s, count);
    }
    for (unsigned use = 0; use < 2; ++use) {
      if (random.below(2) == 0) continue;
      const auto s = static_cast<std::uint16_t>(random.below(semaphores));
      const auto count = static_cast<std::uint16_t>(1 + random.below(3));
      given[s] += count;
      step.then(s, count);
    }
    streams.add(engine, step);
  }
  return streams;
}

AcceleratorConfig random_chip(Rng& random) {
  AcceleratorConfig config = one_core();
  config.cores = 1 + random.below(3);
  config.throttle.enabled = random.below(2) == 0;
  config.semaphore_cycles = 1 + random.below(6);
  config.dma.engines = 1 + random.below(16);
  config.dma.outstanding = 1 + random.below(8);
  if (random.below(2) == 0) config.dma.start = 1_ns;
  if (random.below(2) == 0) {
    config.memory.stacks = 1 + random.below(3);
    config.memory.stack.channels = 1 + random.below(3);
    config.memory.stack.channel_rate = 64_Gbps;
    config.memory.stack.queue = 4;
    config.memory.stack.window = 4;
  }
  return config;
}

/// For jobs, whose programs fit whatever core there is.
AcceleratorConfig random_core(Rng& random) {
  AcceleratorConfig config = random_chip(random);
  config.dma.queues = 1 + random.below(16);
  config.dma.descriptor = Bytes{std::uint64_t{64} << random.below(7)};
  config.dma.rate = Rate{20'000'000'000 + random.below(400) * std::uint64_t{1'000'000'000}};
  config.psum_banks = 2 + random.below(7);
  config.psum_bank = Bytes{std::uint64_t{128} << random.below(5)};
  config.instruction_cycles = random.below(200);
  config.vector_clock = Frequency{100'000'000 + random.below(4'000'000'000)};
  config.gpsimd_clock = Frequency{100'000'000 + random.below(4'000'000'000)};
  config.array.rows = 16 + random.below(113);
  config.array.columns = 16 + random.below(113);
  config.array.load_rows = 1 + random.below(8);
  config.array.minimum_cycles = 1 + random.below(100);
  return config;
}

/// All that a run says of itself.
std::string record(ChipBench& bench) {
  std::string text = fmt::format("end {}\n", bench.chip().finished_at());
  for (const auto& core : bench.chip().cores()) {
    text += fmt::format("hash {:x}, {} flops\n", core->hash(), core->flops());
    for (unsigned e = 0; e < engine_count + core->dma().engines(); ++e) {
      const Cycle end = bench.chip().finished_at();
      const CycleAccount account = e < engine_count ? core->account(static_cast<Engine>(e), end)
                                                    : core->dma().account(e - engine_count, end);
      for (unsigned c = 0; c < cycle_cause_count; ++c) {
        text += fmt::format("{} ", account.cycles(static_cast<CycleCause>(c)));
      }
      text += '\n';
    }
  }
  for (unsigned core = 0; core < bench.chip().cores().size(); ++core) {
    for (unsigned e = 0; e < engine_count; ++e) {
      for (const CoreSpy::Span& span : bench.spy().of(static_cast<Engine>(e), core)) {
        text += fmt::format("{} {} ", span.begin, span.end);
      }
    }
  }
  return text;
}

/// What `child` prints, in a process of its own.
std::string printed(const std::function<std::string()>& child) {
  std::FILE* file = std::tmpfile();
  in_child([&] { std::fputs(child().c_str(), file); });
  std::rewind(file);
  std::string text;
  for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file)) {
    text.push_back(static_cast<char>(c));
  }
  std::fclose(file);
  return text;
}

void expect_same_in_any_order(const std::string& text,
                              const std::function<std::string(const ClockOptions&)>& run) {
  ClockOptions shuffled = core_clock();
  shuffled.shuffle_devices = true;
  ClockOptions every_cycle = core_clock();
  every_cycle.wake_every_cycle = true;
  const std::string plain = printed([&] { return run(core_clock()); });
  EXPECT_GT(plain.size(), 200U) << text;
  EXPECT_TRUE(plain == printed([&] { return run(shuffled); })) << text << ", shuffled";
  const std::string every = printed([&] { return run(every_cycle); });
  EXPECT_TRUE(plain == every) << text << ", every cycle";
}

void random_streams_in_any_order(std::uint64_t first, std::uint64_t last) {
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    expect_same_in_any_order(fmt::format("seed {}", seed), [=](const ClockOptions& options) {
      Rng random(seed, "accelerator_core", "streams");
      const AcceleratorConfig config = random_chip(random);
      const Streams streams = random_streams(random, 60);
      ChipBench bench(config, streams, options);
      bench.finish();
      return record(bench);
    });
  }
}

void random_jobs_in_any_order(std::uint64_t first, std::uint64_t last) {
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    expect_same_in_any_order(fmt::format("seed {}", seed), [=](const ClockOptions& options) {
      Rng random(seed, "accelerator_core", "jobs");
      const AcceleratorConfig config = random_core(random);
      GemmJob gemm{"gemm", {1 + random.below(300), 1 + random.below(300), 2 + random.below(300)}};
      gemm.shape.n &= ~std::uint64_t{1};
      gemm.epilogue = random.below(2) == 0 ? Epilogue::store : Epilogue::gated_unit;
      AttentionJob attention;
      attention.name = "attention";
      attention.units = 1 + random.below(3);
      attention.head = std::min(config.array.rows, config.array.columns);
      attention.columns = attention.tokens = 1 + random.below(100);
      attention.context = attention.tokens + random.below(300);
      ElementwiseJob vectors;
      vectors.name = "vectors";
      vectors.elements = 1 + random.below(100'000);
      vectors.inputs = 2;
      ChipProgram program(config, DataType::bf16, {gemm, attention, vectors, gemm});
      ChipBench bench(config, CoreProgram::semaphores(config, DataType::bf16), program, options);
      bench.finish();
      return record(bench);
    });
  }
}

TEST(AcceleratorCore, RandomStreamsAreTheSameInAnyOrderOfDevices) {
  random_streams_in_any_order(1, 12);
}

TEST(AcceleratorCore, RandomJobsAreTheSameInAnyOrderOfDevices) { random_jobs_in_any_order(1, 4); }

TEST(AcceleratorCore, LongRandomStreamsAndJobsInAnyOrderOfDevices) {
  HEDDLE_NEED_LONG();
  random_streams_in_any_order(13, 300);
  random_jobs_in_any_order(5, 40);
}

// --- registers -----------------------------------------------------------------------------------

TEST(AcceleratorCore, RegistersSayWhatItsCountersSay) {
  in_child([] {
    Streams streams{{0, 5}, {}};
    streams.add(Engine::sync, transfer(10'000).then(0))
        .add(Engine::sync, transfer(64, 0, 1, true))
        .add(Engine::tensor, load().after(0))
        .add(Engine::tensor, pass(512))
        .add(Engine::vector, elementwise(100'000));
    AcceleratorConfig config = one_core();
    config.throttle.enabled = true;
    ChipBench bench(config, streams);
    AcceleratorCore& core = bench.core();
    const auto read = [](RegisterBus& bus, std::uint64_t address, unsigned length) {
      RegisterBus::Access access;
      access.address = address;
      access.length = length;
      const RegisterBus::Access done = bus.access(0, access);
      EXPECT_EQ(done.response, tlm::TLM_OK_RESPONSE) << address;
      return done.value;
    };
    RegisterBus bus([&](RegisterBus& b) {
      for (const double ns : {100.1, 1400.1, 1700.1, 3000.1, 200'000.1}) {
        b.wait_until(ns);
        const auto end = static_cast<Cycle>(ns * 2.4) + 1;
        for (unsigned e = 0; e < engine_count; ++e) {
          const std::uint64_t base = 0x10'0000 + 0x200 * e;
          const auto engine = static_cast<Engine>(e);
          EXPECT_EQ(read(b, base, 8), core.instructions(engine));
          Cycle sum = 0;
          for (unsigned c = 0; c < cycle_cause_count; ++c) {
            const Cycle cycles = read(b, base + 0x40 + 8 * c, 8);
            EXPECT_EQ(cycles, core.account(engine, end).cycles(static_cast<CycleCause>(c)))
                << engine_names[e] << ", " << cycle_cause_names[c] << " at " << ns;
            sum += cycles;
          }
          EXPECT_EQ(sum, end) << "every cycle that has begun";
        }
      }
      EXPECT_EQ(read(b, 0, 4), static_cast<std::uint64_t>(DeviceKind::accelerator_core));
      EXPECT_EQ(read(b, 0x100, 4), 128U);
      EXPECT_EQ(read(b, 0x108, 4), 8U);
      EXPECT_EQ(read(b, 0x10c, 4), 16U);
      EXPECT_EQ(read(b, 0x110, 4), 2U);
      EXPECT_EQ(read(b, 0x200, 8), core.flops());
      EXPECT_EQ(read(b, 0x208, 8), 2U);
      EXPECT_EQ(read(b, 0x210, 8), 4U);
      EXPECT_EQ(read(b, 0x218, 8), 10'000U);
      EXPECT_EQ(read(b, 0x220, 8), 64U);
      EXPECT_EQ(read(b, 0x228, 8), 0U);
      EXPECT_EQ(read(b, 0x230, 8), 1U);
      EXPECT_EQ(read(b, 0x238, 4), 0U);
      EXPECT_EQ(read(b, 0x10'0010, 4), 1U) << "the tensor engine's stream is over";
      EXPECT_EQ(read(b, 0x2000'0008, 4), 5U);
    });
    bus.attach(core.csr());
    bench.run(500'000);
    EXPECT_TRUE(bus.done());
  });
}

}  // namespace
}  // namespace heddle::testing
